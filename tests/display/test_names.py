"""Names that don't fit are still told apart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.large_project import changes
from pgmig_tui.display.cells import width
from pgmig_tui.display.names import short_forms

NAMES = st.lists(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(("", "20250101_0001_", "20250102_0001_", "V1.2__", "7-")),
        st.sampled_from(("", "create_search_", "add_", "漢字")),
        st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Mn", "Me")), min_size=1, max_size=24),
    ),
    max_size=16,
    unique=True,
)


@given(NAMES, st.integers(12, 40))
def test_each_form_fits_and_stands_for_one_name(names: list[str], room: int) -> None:
    forms = short_forms(names, room)
    assert list(forms) == names
    assert all(width(form) <= room for form in forms.values()), forms
    assert len(set(forms.values())) == len(names), forms
    assert all(form == name for name, form in forms.items() if width(name) <= room)


def test_no_two_rows_of_a_long_plan_look_alike() -> None:
    names = [one.name for one in changes(400)]
    for room in (16, 21, 24, 33):
        assert len(set(short_forms(names, room).values())) == 400


def test_of_a_name_that_is_cut_the_part_that_tells_it_apart_stays() -> None:
    names = ["20250127_0001_create_search_documents", "20250128_0001_create_search_history"]
    assert list(short_forms(names, 24).values()) == ["..create_search_documen.", "..create_search_history"]
    assert list(short_forms(["shop-production-eu", "shop-production-us"], 11).values()) == [
        "shop-pro.eu",
        "shop-pro.us",
    ]
    regions = [f"production-{area}-{number}" for area in ("eu-west", "us-east") for number in (1, 2)]
    told = ["pr-eu-we-1", "pr-eu-we-2", "pr-us-ea-1", "pr-us-ea-2"]  # nothing out of the middle of a word
    assert list(short_forms(regions, 10).values()) == told
    assert list(short_forms(["20250101_0001_add_x_to_all", "20250201_0001_add_x_to_all"], 20).values()) == [
        "20250101_000..to_all",
        "20250201_000..to_all",
    ]
