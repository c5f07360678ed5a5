import pytest

from tutela.accounts.model import Actor, Permission, Role
from tutela.accounts.permissions import GRANTS, may, require
from tutela.primitives.errors import Refused
from tutela.primitives.ids import AccountId

PICTURES = {Permission.EXHIBIT_RENDITION, Permission.EXHIBIT_VIEW}


def actor(*roles: Role) -> Actor:
    return Actor(id=AccountId.new(), login="person-a", roles=frozenset(roles))


def test_nobody_without_a_role_may_do_anything() -> None:
    for permission in Permission:
        verdict = may(actor(), permission)
        assert not verdict.allowed
        assert verdict.reasons


def test_every_permission_has_a_role_and_every_role_a_permission() -> None:
    assert set().union(*GRANTS.values()) == set(Permission)
    assert set(GRANTS) == set(Role)


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.REVIEWER}))
def test_only_a_reviewer_may_see_pictures(role: Role) -> None:
    assert not PICTURES & GRANTS[role]


def test_a_program_may_only_hand_in_look_up_and_read_the_law() -> None:
    assert GRANTS[Role.PLATFORM] == {
        Permission.MEDIA_SUBMIT,
        Permission.HASH_LOOKUP,
        Permission.LAW_READ,
    }


def test_roles_add_up() -> None:
    both = actor(Role.COUNSEL, Role.AUDITOR)
    assert may(both, Permission.LAW_ACCEPT).allowed
    assert may(both, Permission.LEDGER_READ).allowed


def test_a_refusal_says_what_is_missing_and_never_the_login() -> None:
    with pytest.raises(Refused) as refusal:
        require(actor(Role.AUDITOR), Permission.LAW_ACCEPT)
    assert "counsel" in str(refusal.value)
    assert "auditor" in str(refusal.value)
    assert "person-a" not in str(refusal.value)
