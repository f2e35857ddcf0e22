"""Links that are made for others: which of them lead nowhere else."""

from __future__ import annotations

import pytest

from studio.ui.copy_field import only_here


@pytest.mark.parametrize(
    ("address", "only"),
    [
        ("http://localhost:8501/account/join/x", True),
        ("http://studio.localhost/account/join/x", True),
        ("http://127.0.0.1:8501/account/join/x", True),
        ("http://127.5.0.1/", True),
        ("http://[::1]:8501/", True),
        ("http://192.168.0.7:8501/account/join/x", False),
        ("http://[fd00::7]/", False),
        ("https://studio.example.org/account/join/localhost", False),
        ("https://localhost.example.org/", False),
    ],
)
def test_a_loopback_address_is_for_this_computer_only(address: str, only: bool) -> None:
    assert only_here(address) is only
