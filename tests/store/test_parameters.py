from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from functions.store import cursor, ordering, parameters
from functions.store.cursor import Position
from functions.store.ordering import LARGEST_INTEGER, ORDERINGS, SMALLEST_INTEGER
from functions.store.parameters import Fault, InvalidParametersError
from functions.store.query import COUNTS, STATUSES, TIMES, Query

NOT_A_TIME = "must be an RFC 3339 date-time with an offset, or integer unix seconds"
NOT_A_STATUS = "must be one of [created, active, completed, expired, cancelled]"
INTEGERS = ("count", "id", "storeId", "customerId", "minVisitors", "maxVisitors", "minGroupSize", "maxGroupSize")
BOUNDS = [(f"{side}{name[0].upper()}{name[1:]}", side, name) for name in TIMES for side in ("min", "max")]


def grouped(query_string: str) -> dict[str, list[str]]:
    """As API Gateway hands them over."""
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query_string, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found


def parsed(**given_: str) -> Query:
    return parameters.parse({name: [value] for name, value in given_.items()})


def faults(given_: Mapping[str, Sequence[str]]) -> list[Fault]:
    with pytest.raises(InvalidParametersError) as raised:
        parameters.parse(given_)
    return list(raised.value.faults)


def fault(name: str, value: str) -> tuple[str, str]:
    """Rule and text, without the field, of the one fault."""
    (found,) = faults({name: [value]})
    assert found.field == name
    assert found.text.startswith(f'"{name}" ')
    return found.rule, found.text.removeprefix(f'"{name}" ')


def test_without_parameters_the_defaults_hold() -> None:
    assert parameters.parse(None) == parameters.parse({}) == Query(count=20, order_by="id", direction="asc")


def test_unknown_parameters_are_ignored() -> None:
    assert parameters.parse(grouped("offset=0&Count=x&status[x]=y&minId=z&=&id[]=q")) == Query()


def test_every_parameter_is_understood() -> None:
    query = parameters.parse(
        grouped(
            "count=200&orderBy=code&direction=desc&before=-5&id=1&storeId=02&customerId=-3&code=Stra%C3%9Fe&sessionToken=t"
            "&status=active&minVisitors=0&maxVisitors=1&minGroupSize=2&maxGroupSize=3"
            + "".join(f"&{name}={1 if side == 'min' else 2}" for name, side, _ in BOUNDS)
        )
    )

    assert query == Query(
        count=200,
        order_by="code",
        direction="desc",
        before=-5,
        equal={"id": 1, "storeId": 2, "customerId": -3, "code": "Straße", "sessionToken": "t"},
        statuses=frozenset({"active"}),
        least=dict.fromkeys(TIMES, "1970-01-01T00:00:01.000Z") | {"visitors": 0, "groupSize": 2},
        most=dict.fromkeys(TIMES, "1970-01-01T00:00:02.000Z") | {"visitors": 1, "groupSize": 3},
    )


def test_of_a_repeated_parameter_the_last_value_counts() -> None:
    assert parameters.parse(grouped("count=x&count=5&id=1&id=2")) == Query(count=5, equal={"id": 2})
    assert [one.field for one in faults(grouped("count=5&count=x"))] == ["count"]


@pytest.mark.parametrize(
    "spelling",
    [
        "status=active&status=expired",
        "status[]=active&status[]=expired",
        "status[0]=active&status[1]=expired",
        "status[1]=active&status[0]=expired",
        "status%5B7%5D=active&status%5B20%5D=expired",
        "status=active,expired",
        "status=active%2Cexpired",
        "status[]=expired,active",
        "status=active&status[]=expired&status[3]=active,expired",
        "status=active&status=expired&status=active",
    ],
)
def test_statuses_come_in_every_spelling(spelling: str) -> None:
    assert parameters.parse(grouped(spelling)) == Query(statuses=frozenset({"active", "expired"}))


def test_every_status_is_known() -> None:
    assert parsed(status=",".join(STATUSES)) == Query(statuses=frozenset(STATUSES))


@pytest.mark.parametrize(
    "spelling",
    ["status=", "status=active,", "status=Active", "status=active%20", "status[]=gone&status=active", "status=%FF"],
)
def test_a_status_that_is_none_is_a_fault(spelling: str) -> None:
    assert faults(grouped(spelling)) == [Fault("status", "any.only", f'"status" {NOT_A_STATUS}')]


@pytest.mark.parametrize("name", INTEGERS)
def test_a_number_is_written_in_digits_only(name: str) -> None:
    for value in (
        "",
        " ",
        "x",
        "+5",
        " 5",
        "5 ",
        "1_0",
        "0x1",
        "\u0665",
        "¹",
        "--5",
        "-",
        "NaN",
        "Infinity",
        "1,0",
        "5\n",
        ".",
    ):
        assert fault(name, value) == ("number.base", "must be a number"), value
    for value in ("1.5", "1.0", "1.", ".5", "-0.5", "1e1", "1E+1", "1.5e-3"):
        assert fault(name, value) == ("number.integer", "must be an integer"), value
    for value in (str(2**63), str(-(2**63) - 1), "9" * 30, "-" + "9" * 30, "9" * 9000):
        assert fault(name, value) == ("number.unsafe", "must be a safe number"), value


@pytest.mark.parametrize("name", ["id", "storeId", "customerId"])
def test_ids_reach_to_the_ends_of_64_bits(name: str) -> None:
    for value in (SMALLEST_INTEGER, -1, 0, LARGEST_INTEGER):
        assert parsed(**{name: str(value)}) == Query(equal={name: value})


def test_zeros_before_a_number_do_not_matter() -> None:
    assert parsed(id="0" * 9000 + "7", storeId="-007", customerId="-0") == Query(
        equal={"id": 7, "storeId": -7, "customerId": 0}
    )


def test_counts_have_bounds() -> None:
    assert fault("count", "0") == ("number.min", "must be greater than or equal to 1")
    assert fault("count", "-1") == ("number.min", "must be greater than or equal to 1")
    assert fault("count", "201") == ("number.max", "must be less than or equal to 200")
    assert (parsed(count="1"), parsed(count="200")) == (Query(count=1), Query(count=200))
    for name in ("Visitors", "GroupSize"):
        assert fault(f"min{name}", "-1") == ("number.min", "must be greater than or equal to 0")
        assert fault(f"max{name}", "0") == ("number.min", "must be greater than or equal to 1")


@pytest.mark.parametrize("name", COUNTS)
def test_a_minimum_above_its_maximum_is_no_fault(name: str) -> None:
    sides = {f"{side}{name[0].upper()}{name[1:]}": value for side, value in (("min", "9"), ("max", "1"))}
    assert parsed(**sides) == Query(least={name: 9}, most={name: 1})


def test_orderings_and_directions_are_exact() -> None:
    for name in ORDERINGS:
        assert parsed(orderBy=name) == Query(order_by=name)
    for value in ("", "ID", "codeLastSuccessfullyScannedAt", "status", "id "):
        assert fault("orderBy", value) == ("any.only", f"must be one of [{', '.join(ORDERINGS)}]")
    for value in ("", "ASC", "descending", "asc "):
        assert fault("direction", value) == ("any.only", "must be one of [asc, desc]")


@pytest.mark.parametrize("name", ["code", "sessionToken"])
def test_texts_are_any_short_text(name: str) -> None:
    for value in (" ", "é", "\U0001f600" * 64, "é" * 128, "x" * 256, "0", "\ufffd", "a,b"):
        assert parsed(**{name: value}) == Query(equal={name: value})
    assert fault(name, "") == ("string.empty", "is not allowed to be empty")
    for value in ("x" * 257, "é" * 128 + "x", "\U0001f600" * 64 + "x", "x" * 9000):
        assert fault(name, value) == ("string.max", "length must be less than or equal to 256 bytes long"), value
    for value in ("a\x00", "\n", "\x7f", "\x85", "\ud800"):
        assert fault(name, value) == ("string.base", "must be a string without control characters")


@pytest.mark.parametrize(("name", "side", "member"), BOUNDS)
def test_times_come_in_every_form(name: str, side: str, member: str) -> None:
    for value, expected in {
        "2019-08-24T14:15:22Z": "2019-08-24T14:15:22.000Z",
        "2019-08-24t14:15:22z": "2019-08-24T14:15:22.000Z",
        "2019-08-24T14:15:22.5Z": "2019-08-24T14:15:22.500Z",
        "2019-08-24T14:15:22.1230000000Z": "2019-08-24T14:15:22.123Z",
        "2019-08-24T14:15:22+02:00": "2019-08-24T12:15:22.000Z",
        "2019-08-24T14:15:22 02:00": "2019-08-24T12:15:22.000Z",
        "2019-08-24T14:15:22.25-09:30": "2019-08-24T23:45:22.250Z",
        "2019-08-24T14:15:22-00:00": "2019-08-24T14:15:22.000Z",
        "2020-02-29T23:59:59+23:59": "2020-02-29T00:00:59.000Z",
        "1566656122": "2019-08-24T14:15:22.000Z",
        "0": "1970-01-01T00:00:00.000Z",
        "-1": "1969-12-31T23:59:59.000Z",
        "-62135596800": "0001-01-01T00:00:00.000Z",
        "253402300799": "9999-12-31T23:59:59.000Z",
    }.items():
        bounds = {member: expected}
        assert parsed(**{name: value}) == (Query(least=bounds) if side == "min" else Query(most=bounds)), value


def test_bounds_between_milliseconds_are_rounded_inwards() -> None:
    for fraction, least, most in (
        ("1239", "22.124", "22.123"),
        ("123000000000000000000000000000001", "22.124", "22.123"),
        ("9999", "23.000", "22.999"),
        ("0001", "22.001", "22.000"),
        ("1230", "22.123", "22.123"),
    ):
        value = f"2019-08-24T14:15:22.{fraction}Z"
        assert parsed(minCreatedAt=value, maxCreatedAt=value) == Query(
            least={"createdAt": f"2019-08-24T14:15:{least}Z"}, most={"createdAt": f"2019-08-24T14:15:{most}Z"}
        )


def test_a_time_that_no_calendar_has_is_a_fault() -> None:
    for value in (
        "",
        "now",
        "2019-08-24",
        "2019-08-24T14:15:22",
        "2019-08-24 14:15:22Z",
        "2019-08-24T14:15Z",
        "2019-08-24T14:15:22.Z",
        "2019-08-24T14:15:22,5Z",
        "2019-08-24T14:15:22+0200",
        "2019-08-24T14:15:22+24:00",
        "2019-08-24T14:15:22+01:60",
        "2019-08-24T14:15:22  02:00",
        "2019-02-29T00:00:00Z",
        "2019-13-01T00:00:00Z",
        "2019-08-24T24:00:00Z",
        "2019-08-24T23:59:61Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:59.9999Z",
        "٢٠١٩-08-24T14:15:22Z",
        "2019-08-24T14:15:22Z\n",
        "1566656122.5",
        "+1566656122",
        "1566656122000",
        "-62135596801",
        "253402300800",
        "9" * 9000,
    ):
        assert fault("minCreatedAt", value) == ("date.format", NOT_A_TIME), value


def test_a_position_is_a_bare_id_or_a_cursor_of_this_ordering() -> None:
    place = ordering.place("code", "abc", 7)
    for inclusive in (False, True):
        position = Position(place, inclusive=inclusive)
        text = cursor.write("code", position)
        assert parsed(orderBy="code", after=text) == Query(order_by="code", after=position)
        assert parsed(orderBy="code", before=text) == Query(order_by="code", before=position)
        assert parsed(orderBy="code", after=text + "==") == Query(order_by="code", after=position)
    assert parsed(after="41") == Query(after=41)
    assert parsed(before="-41") == Query(before=-41)


def test_a_bad_position_is_a_fault() -> None:
    text = cursor.write("code", Position(ordering.place("code", "abc", 7)))
    long = cursor.write("code", Position(ordering.place("code", "\U0001f600" * 250, 7)))
    assert fault("after", "") == ("string.empty", "is not allowed to be empty")
    assert fault("after", "9" * 30) == ("number.unsafe", "must be a safe number")
    for value in (text, text[:-2], "x" + text, "+5", "1.5", "é", "\ud800", "=", "A" * 9000):
        assert fault("after", value) == ("any.invalid", "must be the id of a session, or a cursor of this ordering"), (
            value
        )
    assert faults({"orderBy": ["code"], "before": [long]}) == [
        Fault("before", "any.invalid", '"before" must be the id of a session, or a cursor of this ordering')
    ]


def test_a_position_in_no_ordering_is_still_looked_at() -> None:
    text = cursor.write("code", Position(ordering.place("code", "abc", 7)))

    assert [one.field for one in faults({"orderBy": ["x"], "after": [text]})] == ["orderBy"]
    assert [one.field for one in faults({"orderBy": ["x"], "after": ["x"]})] == ["orderBy", "after"]


def test_a_page_cannot_be_after_and_before() -> None:
    together = Fault("after", "object.oxor", '"after" must not be given together with "before"')

    assert faults(grouped("after=1&before=2")) == [together]
    assert faults(grouped("before=&after=1")) == [
        Fault("before", "string.empty", '"before" is not allowed to be empty'),
        together,
    ]


def test_all_faults_are_told_at_once() -> None:
    times = [Fault(name, "date.format", f'"{name}" {NOT_A_TIME}') for name, _, _ in BOUNDS]
    query = "count=201&after=!&before=x&orderBy=y&direction=up&id=a&storeId=1.5&customerId=" + "9" * 30
    query += "&code=&sessionToken=%00&status=gone&minVisitors=-1&maxVisitors=0&minGroupSize=&maxGroupSize=1e3"

    assert faults(grouped(query + "".join(f"&{name}=soon" for name, _, _ in BOUNDS))) == [
        Fault("count", "number.max", '"count" must be less than or equal to 200'),
        Fault("orderBy", "any.only", f'"orderBy" must be one of [{", ".join(ORDERINGS)}]'),
        Fault("after", "any.invalid", '"after" must be the id of a session, or a cursor of this ordering'),
        Fault("before", "any.invalid", '"before" must be the id of a session, or a cursor of this ordering'),
        Fault("after", "object.oxor", '"after" must not be given together with "before"'),
        Fault("direction", "any.only", '"direction" must be one of [asc, desc]'),
        Fault("id", "number.base", '"id" must be a number'),
        Fault("storeId", "number.integer", '"storeId" must be an integer'),
        Fault("customerId", "number.unsafe", '"customerId" must be a safe number'),
        Fault("code", "string.empty", '"code" is not allowed to be empty'),
        Fault("sessionToken", "string.base", '"sessionToken" must be a string without control characters'),
        Fault("status", "any.only", f'"status" {NOT_A_STATUS}'),
        *times,
        Fault("minVisitors", "number.min", '"minVisitors" must be greater than or equal to 0'),
        Fault("maxVisitors", "number.min", '"maxVisitors" must be greater than or equal to 1'),
        Fault("minGroupSize", "number.base", '"minGroupSize" must be a number'),
        Fault("maxGroupSize", "number.integer", '"maxGroupSize" must be an integer'),
    ]


NAMES = ["after", "before", "orderBy", "direction", "code", "sessionToken", "status", "status[]", "status[0]", "offset"]
NAMES += [*INTEGERS, *(name for name, _, _ in BOUNDS)]
CURSOR = cursor.write("id", Position(ordering.place("id", 7, 7)))
WORDS = [
    "",
    "0",
    "-1",
    "201",
    "9" * 25,
    "1.5",
    "2019-08-24T14:15:22",
    ".9999",
    "Z",
    "+",
    "%2B02:00",
    "%FF",
    "%00",
    "%",
    ",",
]
WORDS += [
    "0001-01-01T00:00:00",
    "9999-12-31T23:59:59",
    "-00:01",
    "active",
    "desc",
    "code",
    "id",
    CURSOR,
    "=",
    "&",
    "%0A",
]
values = st.one_of(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map("".join),
    st.text(max_size=12),
    st.integers(-1, 1000).map(str),
    st.integers(250, 260).map(lambda length: "x" * length),
)
pairs = st.tuples(st.sampled_from(NAMES) | st.text(max_size=8), values).map("=".join)
RULES = set(
    """number.base number.integer number.min number.max number.unsafe any.only any.invalid date.format
    string.base string.empty string.max object.oxor""".split()  # noqa: SIM905
)

ONE_OF_EACH = ["before=!", "id=x", "storeId=1.5", "count=201", f"customerId={'9' * 25}", "orderBy=x&minVisitors=-1"]
ONE_OF_EACH += ["after=1&before=2", "minCreatedAt=x", "code=%00", "sessionToken=", f"code={'x' * 257}", "offset=0"]
"""Faults by each rule, that chance may pass by."""


def test_no_query_string_does_more_than_be_refused() -> None:
    tried = 0
    rules: set[str] = set()
    understood: list[Query] = []

    @settings(max_examples=1000, derandomize=True, deadline=None, database=None)
    @given(st.lists(pairs, min_size=12, max_size=14))
    @example(ONE_OF_EACH)
    def check(found: list[str]) -> None:
        nonlocal tried
        for start in range(10):
            tried += 1
            try:
                understood.append(parameters.parse(grouped("&".join(found[start : start + 1 + start % 4]))))
            except InvalidParametersError as error:
                rules.update(one.rule for one in error.faults)

    check()
    assert tried >= 10_000
    assert rules == RULES
    assert len(understood) > 1000
    assert all(1 <= query.count <= 200 and query.order_by in ORDERINGS for query in understood)
    assert all(query.statuses <= set(STATUSES) for query in understood)


def test_a_leap_second_is_the_last_instant_of_its_minute() -> None:
    for text in ("2016-12-31T23:59:60Z", "2016-12-31T23:59:60.5Z", "2017-01-01T00:59:60+01:00"):
        asked = parsed(minCreatedAt=text, maxCreatedAt=text)
        assert asked.least["createdAt"] == asked.most["createdAt"] == "2016-12-31T23:59:59.999Z"
