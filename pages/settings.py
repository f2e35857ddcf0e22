"""Settings: where jobs are computed, how much of everything there may be, and accounts; for the studio's owner."""

import streamlit as st

from studio import ui
from studio.accounts.settings import QUOTAS, fixed_scheduler, owns, save, settings
from studio.jobs.cluster import workers
from studio.jobs.machines import Machine, machines
from studio.ui import account
from studio.ui.settings.webhooks import studio_form

user = ui.signed_in()
st.container(key="narrow").title("Settings")
if not owns(user.id):
    st.info("These are for the studio's owner, who used the link that its first start printed.", icon=":material/lock:")
    ui.stop()
now = settings()
fixed = bool(fixed_scheduler())

with st.container(border=True):
    st.header("Where sweeps are computed")
    count, memory = workers()
    here = f"This machine: {count} worker{'s' * (count > 1)} of one core and {memory / 2**30:.1f} GiB of memory"
    there = "Machines of a Dask cluster"
    where = st.radio("Machines", [here, there], int(bool(now.scheduler)), disabled=fixed, label_visibility="collapsed")
    scheduler, time_on = "", ""
    if where == there:
        scheduler = st.text_input(
            "Address of the scheduler",
            now.scheduler,
            placeholder="tcp://10.0.0.5:8786",
            disabled=fixed,
            help="what `dask scheduler` prints; docs/deploy.md has the commands for an office of several machines",
        ).strip()
        if fixed:
            st.caption("It is set by STUDIO_SCHEDULER, where the studio is started.")
        st.caption(
            "Anybody who can reach a scheduler can run programs on its machines: keep it within your own network."
        )
        found: list[Machine] = []
        if scheduler:
            with ui.showing_errors(), st.spinner("Asking the scheduler"):
                found = machines(scheduler)
                heads = {"name": "Worker", "host": "Machine", "threads": "Threads", "memory_gib": "Memory, GiB"}
                st.dataframe([one._asdict() for one in found], hide_index=True, column_config=heads)
        names = ["", *(one.name for one in found)]
        if now.time_on and now.time_on not in names:
            names.append(now.time_on)
        time_on = st.selectbox(
            "Latency is measured on",
            names,
            names.index(now.time_on) if now.time_on in names else 0,
            format_func=lambda one: one or "any worker that is idle",
            help="Choose the machine that the network will run on, if it is listed. It does nothing else meanwhile.",
        )

with st.container(border=True):
    st.header("Limits")
    st.caption("These limits keep one project from using the whole machine.")
    with st.container(horizontal=True):
        most = {
            key: st.number_input(quota.label, quota.least, quota.most, getattr(now, key), help=quota.why, width=320)
            for key, quota in QUOTAS.items()
        }

if st.button("Save", type="primary", disabled=where == there and not scheduler):
    with ui.showing_errors():
        save(ui.who(), now._replace(scheduler=scheduler, time_on=time_on, **most))
        st.toast("Saved. It applies from the next job on.", icon=":material/check:")

studio_form(ui.who())

account.everybody(ui.who())
account.events(ui.who(), everybody=True)
