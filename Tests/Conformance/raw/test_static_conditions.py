"""Conditional requests for files: RFC 9110 13."""

import itertools
import os

import pytest

from support.http1 import Connection, exchange, get


def test_entity_tag_conditions(server):
    first = exchange(server, get("/data.bin"))
    tag = first.get("etag")
    assert tag.startswith('"') and tag.endswith('"')
    for condition in (tag, f'"other", {tag}', "*", "W/" + tag):
        answer = exchange(server, get("/data.bin", f"If-None-Match: {condition}"))
        assert (answer.status, answer.get("etag")) == (304, tag), condition
    assert exchange(server, get("/data.bin", 'If-None-Match: "other"')).status == 200


def test_date_conditions(server):
    date = exchange(server, get("/data.bin")).get("last-modified")
    assert exchange(server, get("/data.bin", f"If-Modified-Since: {date}")).status == 304
    assert exchange(server, get("/data.bin", "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT")).status == 200
    assert exchange(server, get("/data.bin", "If-Modified-Since: nonsense")).status == 200


def test_entity_tag_wins_over_date(server):
    date = exchange(server, get("/data.bin")).get("last-modified")
    assert exchange(server, get("/data.bin", 'If-None-Match: "other"', f"If-Modified-Since: {date}")).status == 200


# --- every combination (RFC 9110 13.2.2) ---------------------------------------------------------

CHANGED = 1_600_000_000
DATE, BEFORE, AFTER = ("Sun, 13 Sep 2020 12:26:40 GMT", "Sun, 13 Sep 2020 12:26:39 GMT", "Sun, 13 Sep 2020 12:26:41 GMT")
TAGS = [None, "TAG", "W/TAG", '"x"', '"x", TAG', "*"]
DATES = [None, DATE, BEFORE, AFTER, "nonsense"]
VALIDATORS = [None, "TAG", "W/TAG", '"x"', DATE, BEFORE]


def lists(value, weakly):
    return value in ("TAG", '"x", TAG', "*") or weakly and value == "W/TAG"


def expected(match, unmodified, none_match, modified, if_range, ranged, method):
    """The steps of the RFC, one after the other."""
    if match is not None:
        if not lists(match, weakly=False):
            return 412
    elif unmodified == BEFORE:
        return 412
    if none_match is not None:
        if lists(none_match, weakly=True):
            return 304
    elif modified in (DATE, AFTER):
        return 304
    if ranged and method == "GET" and if_range in (None, "TAG", DATE):
        return 206
    return 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_every_combination_of_conditions(server, public, method):
    path = public / "conditions.txt"
    path.write_bytes(b"0123456789")
    os.utime(path, (CHANGED, CHANGED))
    tag = exchange(server, get("/conditions.txt")).get("etag")
    names = ["If-Match", "If-Unmodified-Since", "If-None-Match", "If-Modified-Since", "If-Range"]
    seen = set()
    with Connection(server) as connection:
        for values in itertools.product(TAGS, DATES, TAGS, DATES, VALIDATORS, [False, True]):
            *conditions, ranged = values
            fields = [f"{name}: {value.replace('TAG', tag)}" for name, value in zip(names, conditions) if value]
            connection.send(get("/conditions.txt", *fields, *["Range: bytes=2-3"] * ranged, method=method))
            answer = connection.response(head=method == "HEAD")
            assert answer.status == expected(*values, method), (fields, ranged, answer)
            if answer.status in (200, 304):
                assert answer.get("etag") == tag
            seen.add(answer.status)
    assert seen == ({200, 206, 304, 412} if method == "GET" else {200, 304, 412})


def test_missing_file_matches_nothing(server):
    for condition in ("If-Match: *", "If-None-Match: *", f"If-Unmodified-Since: {BEFORE}"):
        assert exchange(server, get("/missing", condition)).status == 404


@pytest.mark.parametrize("value", ['"', "W/", 'W/"', "\"\"\"", "x", ",", '"x" TAG', "w/TAG", "TAG;q=1", "TAG garbage"])
def test_malformed_tags_match_nothing(server, value):
    tag = exchange(server, get("/data.bin")).get("etag")
    value = value.replace("TAG", tag)
    assert exchange(server, get("/data.bin", f"If-None-Match: {value}")).status == 200
    assert exchange(server, get("/data.bin", f"If-Match: {value}")).status == 412


def test_tags_on_several_lines_are_one_list(server):
    tag = exchange(server, get("/data.bin")).get("etag")
    assert exchange(server, get("/data.bin", 'If-None-Match: "x"', f"If-None-Match: {tag}")).status == 304


def test_not_modified_describes_the_file_and_has_no_content(server):
    whole = exchange(server, get("/data.bin"))
    fresh = exchange(server, get("/data.bin", f"If-None-Match: {whole.get('etag')}"))
    assert fresh.status == 304 and fresh.get("content-type") is None and fresh.get("content-range") is None
    for name in ("etag", "last-modified", "cache-control"):
        assert fresh.get(name) == whole.get(name)


def test_tag_changes_with_the_content_of_the_same_size_and_time(server, public):
    path = public / "changing.txt"
    path.write_bytes(b"one")
    os.utime(path, (CHANGED, CHANGED))
    first = exchange(server, get("/changing.txt"))
    new = public / "changing.new"
    new.write_bytes(b"two")
    os.utime(new, (CHANGED, CHANGED))
    new.rename(path)
    second = exchange(server, get("/changing.txt", f"If-None-Match: {first.get('etag')}"))
    assert (second.status, second.body) == (200, b"two")
