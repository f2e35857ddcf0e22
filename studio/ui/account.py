"""What users see of their own accounts, and the studio's owner of all."""

from __future__ import annotations

import time

import streamlit as st

from studio import ui
from studio.accounts import LEAST_PASSWORD
from studio.accounts.history import happened
from studio.accounts.leaving import delete_account, only_admin_of
from studio.accounts.others import Account, accounts, deactivate, make_reset_link, reactivate
from studio.accounts.own import change_password, rename
from studio.accounts.rights import SignedIn
from studio.accounts.sessions import browsers_of, sign_out_browser, sign_out_others
from studio.accounts.tokens import MOST_DAYS, SCOPES, make_token, revoke, tokens_of
from studio.accounts.users import MOST_LETTERS
from studio.projects.projects import projects_of
from studio.store.tables import User
from studio.ui import copy_field


def name(who: SignedIn, user: User) -> None:
    """The form that renames the user."""
    with st.container(border=True), st.form("rename", border=False), ui.showing_errors():
        st.header("Name")
        given = st.text_input("Name", user.name, max_chars=MOST_LETTERS, autocomplete="username",
                              help="You sign in with it, and others see it beside what you draw.")  # fmt: skip
        if st.form_submit_button("Rename"):
            rename(who, given)
            st.rerun()


def password(who: SignedIn, user: User) -> None:
    """The form that changes the user's password."""
    with st.container(border=True):
        st.header("Password")
        if user.password_hash is None:
            st.markdown("You sign in through your organisation: it keeps your password.")
            return
        with st.form("password", border=False, clear_on_submit=True), ui.showing_errors():
            old = st.text_input("Current password", type="password", autocomplete="current-password")
            new = st.text_input(
                "New password",
                type="password",
                autocomplete="new-password",
                placeholder=f"at least {LEAST_PASSWORD} characters",
                help="A few unrelated words make a good password. Digits and symbols are not needed.",
            )
            st.caption("This signs your other browsers out and revokes your API tokens.")
            if st.form_submit_button("Change the password"):
                change_password(who, old, new)
                st.success(
                    "The password is changed, your other browsers are signed out, and your API tokens are revoked.",
                    icon=":material/check:",
                )


def browsers(who: SignedIn) -> None:
    """Where the user is signed in, each with a button that ends it."""
    with st.container(border=True), ui.showing_errors():
        st.header("Signed-in browsers")
        found = browsers_of(who)
        for browser in found:
            row = st.container(horizontal=True, vertical_alignment="center")
            with row.container(width="stretch", gap=None):
                st.markdown(f"**{ui.plain(browser.name or 'Unknown browser')}**")
                st.caption(_seen(browser.seen_at))
            if browser.here:
                row.badge("this one", color="green")
            elif row.button("Sign out", key=f"browser-{browser.key}"):
                sign_out_browser(who, browser.key)
                st.rerun()
        if len(found) > 1 and st.button("Sign out everywhere else", icon=":material/logout:"):
            sign_out_others(who)
            st.rerun()
        st.caption("Programs that signed in with your name and password are listed here too.")


def tokens(who: SignedIn, user_id: int) -> None:
    """The user's API tokens, and the form that makes one."""
    with st.container(border=True), ui.showing_errors():
        st.header("API tokens")
        st.markdown("A program sends one as `Authorization: Bearer TOKEN` and needs no password. "
                    "[What programs can do](/api/)")  # fmt: skip
        rows = st.container()
        _new_token(who, user_id)
        for token in tokens_of(who):  # behind the form, so that what it made is among them
            row = rows.container(horizontal=True, vertical_alignment="center")
            with row.container(width="stretch", gap=None):
                st.markdown(f"**{ui.plain(token.name)}**")
                where = f"project {ui.plain(token.project.name)}" if token.project else "all your projects"
                over = token.expires_at < time.time()
                end = f"{'expired' if over else 'valid until'} {ui.clock(token.expires_at)}"
                st.caption(f"{token.scope} · {where} · {end} · {_seen(token.seen_at, 'last used', 'never used')}")
            if row.button("Revoke", key=f"token-{token.id}"):
                revoke(who, token.id)
                st.rerun()


def _new_token(who: SignedIn, user_id: int) -> None:
    projects = {project.id: project.name for project, _ in projects_of(user_id)}
    labels = ui.unique_labels(projects)
    with st.form("token", border=False, clear_on_submit=True), ui.showing_errors():
        columns = st.columns([3, 2, 3, 2])
        given = columns[0].text_input("Name of the program", max_chars=64, placeholder="Nightly export")
        scope = columns[1].selectbox("It may", SCOPES)
        project = columns[2].selectbox("In", [None, *projects], format_func=lambda key: labels.get(key, "all projects"))
        days = columns[3].number_input("Valid for days", 1, MOST_DAYS, 90)
        if st.form_submit_button("Make a token"):
            token = make_token(who, given, scope, project, int(days))
            st.success("Copy the token now: it is shown only here, and only once.", icon=":material/key:")
            copy_field.show(token, "token-made")


def everybody(who: SignedIn) -> None:
    """All accounts, for the studio's owner."""
    with st.container(border=True), ui.showing_errors():
        st.header("Accounts")
        for account in accounts(who):
            row = st.container(horizontal=True, vertical_alignment="center")
            with row.container(width="stretch", gap=None):
                st.markdown(f"**{ui.plain(account.name)}**")
                st.caption(_seen(account.seen_at) + (" · signs in through the provider" if account.provider else ""))
            if account.deactivated:
                row.badge("deactivated", color="gray")
            if account.own:
                row.badge("you, the owner", color="green")
            else:
                _actions(who, account, row)


def _actions(who: SignedIn, account: Account, row: st.delta_generator.DeltaGenerator) -> None:
    name = f"What can be done with the account of {ui.plain(account.name)}"
    menu = row.popover(name, icon=":material/more_vert:", type="tertiary", key=f"sign-account-{account.id}")
    with menu, ui.showing_errors():
        if account.deactivated:
            if st.button("Reactivate", key=f"reactivate-{account.id}"):
                reactivate(who, account.id)
                st.rerun()
            return
        if st.button("Make a link to set a new password", key=f"reset-{account.id}"):
            copy_field.link(make_reset_link(who, account.id), f"reset-link-{account.id}")
            st.caption(
                "Send it to this person only. It works once, within a day, and then signs them out everywhere else and "
                "revokes their API tokens."
            )
        if st.button("Deactivate", key=f"deactivate-{account.id}"):
            deactivate(who, account.id)
            st.rerun()
        st.caption(
            "A deactivated person is signed out everywhere, and their tokens and invitations end. Their work keeps "
            "their name."
        )
        _delete(who, account.id, account.name)


def delete_own(who: SignedIn, user: User) -> None:
    """The button with which a user deletes their account, and what that means."""
    with st.popover("Delete my account", icon=":material/delete:", key="delete-account"), ui.showing_errors():
        _delete(who, user.id, user.name)


def _delete(who: SignedIn, user_id: int, name: str) -> None:
    """What deleting an account leaves, said beforehand, and the button that does it."""
    st.divider()
    st.markdown(
        "A deleted account cannot be restored: its sessions, tokens and invitations end, and it is in no project any "
        "more. What was drawn and said stays, under its name."
    )
    if alone := only_admin_of(who, user_id):
        st.warning(
            f"No other admin: {ui.plain(', '.join(alone))}. The studio's owner becomes admin of "
            f"{'it' if len(alone) == 1 else 'them'}; to choose somebody else, change the roles first.",
            icon=":material/warning:",
        )
    typed = st.text_input(f"Type {ui.plain(name)} to delete the account", key=f"delete-name-{user_id}")
    if st.button("Delete the account", type="primary", disabled=typed.strip() != name, key=f"delete-user-{user_id}"):
        delete_account(who, user_id)
        st.rerun()


def events(who: SignedIn, *, everybody: bool = False) -> None:
    """What happened to the user's account lately or, for the studio's owner, to all."""
    shown = st.expander("What happened to accounts" if everybody else "What happened to this account",
                        icon=":material/history:", key="events", on_change="rerun")  # fmt: skip
    if not shown.open:
        return
    with shown, ui.showing_errors():
        for line in happened(who, everybody=everybody):
            whose = f"**{ui.plain(line.name or 'Nobody here')}**: " if everybody else ""
            by = f", by {ui.plain(line.by)}" if line.by else ""
            st.markdown(f"{whose}{ui.plain(line.what)}{by} :small[{ui.clock(line.at)}]")
        st.caption(
            "Entries are kept for a year; the newest 50 are shown. If something here was not you, change your password."
        )


def _seen(at: float, words: str = "last seen", never: str = "not seen lately") -> str:
    """When something was last used, to the minute or the day."""
    if at <= 0:
        return never
    ago = time.time() - at
    if ago < 120:
        return f"{words} just now"
    return f"{words} {ui.clock(at)}"
