"""Error responses: a status and one sentence, in the format that OpenAI's clients read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from fastapi.responses import JSONResponse

from pefbench.errors import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REASONS = {
    "missing": "is missing",
    "extra_forbidden": "is unknown",
    "string_type": "should be a text",
    "list_type": "should be a list",
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "should be an object"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "should be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "should be a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "should be true or false"),
}
"""pydantic's error type -> our message; other types keep pydantic's."""
KINDS = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}


class Refusal(Exception):  # noqa: N818 - what HTTP calls a status
    """A request is refused, with an HTTP status and a message."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, one_line(message), dict(headers or {})

    def response(self) -> JSONResponse:
        """The response to send."""
        kind = KINDS.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        error = {"message": self.message, "type": kind, "param": None, "code": self.status}
        return JSONResponse({"error": error}, self.status, self.headers)


def of_validation(errors: Sequence[Mapping[str, Any]]) -> Refusal:
    """The first of pydantic's errors in a body, in one sentence."""
    if not errors:
        return Refusal(400, "the body is not valid")
    first = errors[0]
    if first["type"] == "json_invalid":
        return Refusal(400, "the body is not JSON")
    where = ".".join(str(part) for part in first["loc"] if part not in {"body", "str"})
    if where == "inputs" and first["type"] != "missing":
        return Refusal(400, "inputs: should be a text, an object with the model's columns, or a list of such")
    if not where:
        return Refusal(400, "the body should be a JSON object, sent as Content-Type: application/json")
    reason = REASONS.get(first["type"], re.sub(r"^\w+ (?=should )", "", str(first["msg"])))
    return Refusal(400, f"{where}: {reason}")


def busy() -> Refusal:
    """The queue is full."""
    return Refusal(429, "the queue is full; try again in a second", {"Retry-After": "1"})


def ending() -> Refusal:
    """The server is shutting down."""
    return Refusal(503, "the server is shutting down", {"Retry-After": "5"})
