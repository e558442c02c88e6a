"""The document gives the audit back, says what it is, and its format changes only knowingly."""

import hashlib
import json
import math
from dataclasses import replace

import pytest
from fake_audit import fake_audit

from mmresearch.report.schema import Document, DocumentError, from_json, json_schema, read_json, to_json, write_json

#: Shape of version 1.0. If this test fails, a reader elsewhere may fail too: raise MINOR for a new field, MAJOR for any
#: other change, and only then change this value.
SHAPE = ("1.0", "554d1d06e47fc6ea")


def test_an_audit_survives_the_way_there_and_back():
    audit = fake_audit()
    assert from_json(to_json(audit)) == audit


def test_numbers_keep_every_bit_and_the_odd_ones_their_meaning():
    audit = fake_audit(1)
    odd = replace(audit.certificates[0], mean=0.1 + 0.2, sd=math.inf, lo=-math.inf, hi=math.nan, truth=None)
    text = to_json(replace(audit, certificates=(odd,)))
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    back = from_json(text).certificates[0]
    assert (back.mean, back.sd, back.lo, back.truth) == (0.1 + 0.2, math.inf, -math.inf, None)
    assert math.isnan(back.hi)


def test_the_document_names_its_format_first():
    head = json.loads(to_json(fake_audit(1)))
    assert list(head)[:2] == ["schema", "version"]
    assert head["schema"] == "mmresearch.audit"


def test_the_shape_of_the_format_is_pinned():
    text = json.dumps(_shape(json_schema()), sort_keys=True)
    found = (Document.model_fields["version"].default, hashlib.sha256(text.encode()).hexdigest()[:16])
    assert found == SHAPE


def _shape(schema):
    """Reduce a schema to names, types and what is required; texts may be improved at any time."""
    if isinstance(schema, dict):
        return {k: _shape(v) for k, v in schema.items() if k not in ("description", "title")}
    return [_shape(v) for v in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not JSON"),
        ("[]", "not an audit"),
        ('{"schema": "other"}', "not an audit"),
        ('{"schema": "mmresearch.audit", "version": "2.0"}', "version '2.0'; this package reads 1.x"),
        ('{"schema": "mmresearch.audit", "version": "1.0", "audit": {}}', "audit.certificates: Field required"),
    ],
)
def test_what_is_not_an_audit_is_refused_by_name(text, why):
    with pytest.raises(DocumentError, match=r"x\.json") as error:
        from_json(text, "x.json")
    assert why in str(error.value)


def test_a_later_minor_version_with_a_new_field_is_read():
    head = json.loads(to_json(fake_audit(1))) | {"version": "1.9", "news": 1}
    assert from_json(json.dumps(head)) == fake_audit(1)


def test_files(tmp_path):
    audit = fake_audit(2)
    paths = write_json(audit, tmp_path)
    assert [p.name for p in paths] == ["audit.json", "audit.schema.json"]
    assert read_json(paths[0]) == audit
    assert json.loads(paths[1].read_text())["properties"]["schema"]["const"] == "mmresearch.audit"
