"""Faults in the fields of responses, most of them in those of Echo.

Each is visible as soon as the request has a boundary value in that one field.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING

from faults.registry import Declare

if TYPE_CHECKING:
    from faults.registry import Message

_INT64_MIN = -(1 << 63)
_UNSPECIFIED = 0


# Numbers.


@Declare("Echo", "singular_float").response
def float_precision(response: Message) -> None:
    """Keep six decimal digits, as C's %g."""
    rounded = float(f"{response.singular_float:g}")
    if not math.isnan(rounded):
        response.singular_float = rounded


@Declare("Echo", "singular_double").response
def double_as_float(response: Message) -> None:
    """Keep the precision and the range of a float."""
    changed = type(response)(singular_float=response.singular_double).singular_float
    if not math.isnan(changed):
        response.singular_double = changed


@Declare("Echo", "optional_double").response
def sign_of_zero(response: Message) -> None:
    """Replace -0.0 by 0.0."""
    if response.HasField("optional_double") and response.optional_double == 0:
        response.optional_double = 0.0


@Declare("Echo", "optional_float").response
def nan_payload(response: Message) -> None:
    """Replace every NaN by the usual one."""
    if math.isnan(response.optional_float):
        response.optional_float = math.nan


@Declare("Echo", "unpacked_double").response
def nan_as_zero(response: Message) -> None:
    """Replace every NaN in a list by zero."""
    for index, value in enumerate(response.unpacked_double):
        if math.isnan(value):
            response.unpacked_double[index] = 0


@Declare("Echo", "repeated_float").response
def infinity_as_largest(response: Message) -> None:
    """Replace infinity by the largest float."""
    for index, value in enumerate(response.repeated_float):
        if math.isinf(value):
            response.repeated_float[index] = math.copysign(3.4028234663852886e38, value)


@Declare("Echo", "singular_int64").response
def int64_as_double(response: Message) -> None:
    """Lose the bits that a double does not have, as in JavaScript, and convert back as x86 does."""
    rounded = int(float(response.singular_int64))
    response.singular_int64 = _INT64_MIN if rounded == 1 << 63 else rounded


@Declare("Echo", "singular_uint32").response
def uint32_wraps(response: Message) -> None:
    """Keep the 31 bits that a signed int has for positive numbers."""
    response.singular_uint32 &= 0x7FFF_FFFF


@Declare("Echo", "singular_fixed64").response
def fixed64_as_signed(response: Message) -> None:
    """Replace by zero what is negative as a signed number."""
    if response.singular_fixed64 >> 63:
        response.singular_fixed64 = 0


@Declare("Echo", "singular_sint32").response
def negative_as_positive(response: Message) -> None:
    """Drop the sign."""
    response.singular_sint32 = min(abs(response.singular_sint32), 0x7FFF_FFFF)


# Presence.


@Declare("Echo", "optional_int32").response
def explicit_default_dropped(response: Message) -> None:
    """Drop a field that is present with its default value."""
    if response.optional_int32 == 0:
        response.ClearField("optional_int32")


@Declare("Echo", "optional_bool").response
def missing_as_default(response: Message) -> None:
    """Set a field that is missing to its default value."""
    response.optional_bool = response.optional_bool


@Declare("Echo", "optional_nested").response
def optional_message_dropped(response: Message) -> None:
    """Drop a message without content."""
    if response.HasField("optional_nested") and not response.optional_nested.ByteSize():
        response.ClearField("optional_nested")


@Declare("Echo", "wrapped_int64").response
def wrapped_default_as_null(response: Message) -> None:
    """Drop a wrapper that contains the default value."""
    if response.wrapped_int64.value == 0:
        response.ClearField("wrapped_int64")


@Declare("Echo", "choice_number").response
def oneof_other_branch(response: Message) -> None:
    """Return a number as a text."""
    if response.WhichOneof("choice") == "choice_number":
        response.choice_text = str(response.choice_number)


@Declare("Echo", "choice_flag").response
def oneof_default_dropped(response: Message) -> None:
    """Drop a branch that has its default value."""
    if response.WhichOneof("choice") == "choice_flag" and not response.choice_flag:
        response.ClearField("choice")


@Declare("EchoLegacy", "limit").response
def legacy_default_sent(response: Message) -> None:
    """Set a field that is missing to the default value of the .proto file."""
    response.limit = response.limit


@Declare("EchoLegacy", "mark").response
def legacy_empty_dropped(response: Message) -> None:
    """Drop empty bytes, although they are not the default."""
    if not response.mark:
        response.ClearField("mark")


# Enums.


@Declare("Echo", "singular_color").response
def unknown_enum_becomes_zero(response: Message) -> None:
    """Replace a number that the enum does not have by zero."""
    numbers = response.DESCRIPTOR.fields_by_name["singular_color"].enum_type.values_by_number
    if response.singular_color not in numbers:
        response.singular_color = 0


@Declare("Echo", "optional_color").response
def negative_enum(response: Message) -> None:
    """Replace a negative number by zero."""
    if response.optional_color < 0:
        response.optional_color = _UNSPECIFIED


@Declare("Echo", "repeated_color").response
def unknown_enums_dropped(response: Message) -> None:
    """Remove numbers that the enum does not have, as a closed enum does."""
    numbers = response.DESCRIPTOR.fields_by_name["repeated_color"].enum_type.values_by_number
    response.repeated_color[:] = [number for number in response.repeated_color if number in numbers]


# Strings and bytes.


@Declare("Echo", "singular_string").response
def string_normalised(response: Message) -> None:
    """Compose characters (NFC)."""
    response.singular_string = unicodedata.normalize("NFC", response.singular_string)


@Declare("Echo", "optional_string").response
def string_truncated_at_nul(response: Message) -> None:
    """Drop what follows a NUL, as C does."""
    before, nul, _ = response.optional_string.partition("\0")
    if nul:
        response.optional_string = before


@Declare("Echo", "choice_text").response
def string_case_changed(response: Message) -> None:
    """Return a text in upper case."""
    if response.WhichOneof("choice") == "choice_text":
        response.choice_text = response.choice_text.upper()


@Declare("Echo", "wrapped_string").response
def astral_characters_replaced(response: Message) -> None:
    """Replace characters that UTF-16 encodes as two units."""
    changed = re.sub(
        "[\U00010000-\U0010ffff]", "\N{REPLACEMENT CHARACTER}", response.wrapped_string.value
    )
    if changed != response.wrapped_string.value:
        response.wrapped_string.value = changed


@Declare("Echo", "highest").response
def string_truncated(response: Message) -> None:
    """Keep 255 bytes, and no part of a character."""
    response.highest = response.highest.encode()[:255].decode(errors="ignore")


@Declare("Echo", "singular_bytes").response
def bytes_as_latin1(response: Message) -> None:
    """Return the UTF-8 of bytes that are taken for a text in Latin-1."""
    response.singular_bytes = response.singular_bytes.decode("latin-1").encode()


@Declare("Echo", "optional_bytes").response
def bytes_as_utf8(response: Message) -> None:
    """Replace what is not UTF-8."""
    if response.HasField("optional_bytes"):
        response.optional_bytes = response.optional_bytes.decode(errors="replace").encode()


@Declare("Chat", "characters").responses
def utf16_length(responses: Message) -> Message:
    """Count UTF-16 units instead of code points."""
    for response in responses:
        response.characters = len(response.text.encode("utf-16-le")) // 2
        yield response


# Lists and maps.


@Declare("Echo", "repeated_int64").response
def list_order_reversed(response: Message) -> None:
    """Reverse a list."""
    response.repeated_int64.reverse()


@Declare("Echo", "repeated_uint32").response
def list_deduplicated(response: Message) -> None:
    """Drop repetitions."""
    response.repeated_uint32[:] = dict.fromkeys(response.repeated_uint32)


@Declare("Echo", "unpacked_sint64").response
def list_last_dropped(response: Message) -> None:
    """Drop the last of several elements."""
    if len(response.unpacked_sint64) > 1:
        response.unpacked_sint64.pop()


@Declare("Echo", "repeated_string").response
def empty_strings_dropped(response: Message) -> None:
    """Drop empty elements."""
    response.repeated_string[:] = filter(None, response.repeated_string)


@Declare("Echo", "repeated_nested").response
def empty_messages_dropped(response: Message) -> None:
    """Drop elements without content."""
    kept = [element for element in response.repeated_nested if element.ByteSize()]
    if len(kept) != len(response.repeated_nested):
        del response.repeated_nested[:]
        response.repeated_nested.extend(kept)


@Declare("Echo", "counts").response
def map_entry_missing(response: Message) -> None:
    """Drop one of several entries."""
    if len(response.counts) > 1:
        del response.counts[max(response.counts)]


@Declare("Echo", "names").response
def map_default_value_dropped(response: Message) -> None:
    """Drop entries whose value is empty."""
    for key in [key for key, value in response.names.items() if not value]:
        del response.names[key]


@Declare("Echo", "answers").response
def map_default_key_dropped(response: Message) -> None:
    """Drop the entry whose key is false."""
    response.answers.pop(False, None)


@Declare("Echo", "weights").response
def map_value_changed(response: Message) -> None:
    """Drop the sign of values."""
    for key, value in response.weights.items():
        response.weights[key] = math.fabs(value)


# Messages.


@Declare("Echo", "nested, price").response
def nested_field_rounded(response: Message) -> None:
    """Round a price to cents."""
    if response.nested.price:
        response.nested.price = round(response.nested.price, 2)


@Declare("Echo", "tree, child").response
def recursion_cut(response: Message) -> None:
    """Drop the message in a message of the same type."""
    if response.HasField("tree"):
        response.tree.ClearField("child")


@Declare("Echo", "money, nanos").response
def imported_message_field_dropped(response: Message) -> None:
    """Drop a field of a message of the imported file."""
    if response.HasField("money"):
        response.money.ClearField("nanos")


@Declare("EchoLegacy", "part").response
def legacy_group_dropped(response: Message) -> None:
    """Drop a group."""
    response.ClearField("part")


@Declare("Echo", "timestamp, nanos").response
def timestamp_nanos_truncated(response: Message) -> None:
    """Keep microseconds, as Python's datetime."""
    if response.timestamp.nanos:
        response.timestamp.nanos -= int(math.fmod(response.timestamp.nanos, 1000))


@Declare("Echo", "duration").response
def duration_sign(response: Message) -> None:
    """Drop the sign of a duration."""
    duration = response.duration
    if duration.seconds < 0:
        duration.seconds = min(-duration.seconds, -(_INT64_MIN + 1))
    if duration.nanos < 0:
        duration.nanos = min(-duration.nanos, 0x7FFF_FFFF)


@Declare("Echo", "any, type_url").response
def any_type_url_changed(response: Message) -> None:
    """Replace the host in the URL of a type."""
    if response.any.type_url:
        response.any.type_url = "types.example.com/" + response.any.type_url.rpartition("/")[2]


@Declare("Echo", "any, value").response
def any_content_dropped(response: Message) -> None:
    """Keep only the type of a message."""
    if response.any.value:
        response.any.value = b""


@Declare("Echo", "field_mask").response
def field_mask_joined(response: Message) -> None:
    """Join paths with a comma, as in JSON."""
    if len(response.field_mask.paths) > 1:
        response.field_mask.paths[:] = [",".join(response.field_mask.paths)]


@Declare("Echo", "struct").response
def struct_entry_missing(response: Message) -> None:
    """Drop one of the entries."""
    if response.struct.fields:
        del response.struct.fields[max(response.struct.fields)]


@Declare("Echo", "value").response
def null_value_dropped(response: Message) -> None:
    """Return a null as a value without a kind."""
    if response.value.WhichOneof("kind") == "null_value":
        response.value.ClearField("kind")


# Other messages than those of Echo.


@Declare("Count", "index").responses
def stream_field_repeated(responses: Message) -> Message:
    """Send the index of the first response twice, and do not skip one later."""
    for response in responses:
        response.index = max(response.index - 1, 1)
        yield response


@Declare("Sum", "total").response
def total_as_double(response: Message) -> None:
    """Lose the bits that a double does not have."""
    rounded = int(float(response.total))
    response.total = _INT64_MIN if rounded == 1 << 63 else rounded


@Declare("Sum", "count").response
def count_off_by_one(response: Message) -> None:
    """Count one message too few, if there is one."""
    response.count = max(response.count - 1, 0)


@Declare("Put", "revision").response
def revision_skips(response: Message) -> None:
    """Return only even revisions."""
    response.revision *= 2
