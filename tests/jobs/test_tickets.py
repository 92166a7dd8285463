from __future__ import annotations

from lensgui.jobs.tickets import Tickets


def test_a_ticket_is_wanted_until_it_is_withdrawn():
    tickets = Tickets()
    first, second = tickets.issue(), tickets.issue()
    assert first != second
    tickets.withdraw(first)
    tickets.withdraw(first)
    assert not tickets.is_valid(first)
    assert tickets.is_valid(second)
