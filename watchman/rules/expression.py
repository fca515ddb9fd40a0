"""PromQL as far as rules need it without a server: is it an expression, what does it give, what does it read.

`promql_parser` decides. Where it is stricter than Prometheus its refusal becomes a warning, where it is laxer
(regular expressions) RE2 has the last word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import promql_parser
import re2

from watchman.rules.selectors import Tree, walk

# The parser recurses in native code without a guard and ends the process at about 5,000 levels; its time grows with
# the square. Real expressions have some dozens of operators.
_MAX_OPERATORS = 1000
_STRINGS_AND_COMMENTS = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`|#[^\n]*', re.DOTALL)
_OPERATOR = re.compile(r"[-+*/%^<>=!(\[]|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`|#[^\n]*|[\w.:]+|[=!<>]=|=~|!~|\S', re.DOTALL)
_COMPLETIONS = ("", " m", ")", " m)", "}", " 1", " 5m")
_MAX_SEARCHED = 2000
# Functions a supported Prometheus (2.x) knows and the parser no longer does.
_OLD_FUNCTIONS = frozenset({"holt_winters"})

_RE2_OPTIONS = re2.Options()
_RE2_OPTIONS.log_errors = False


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression. `fault`: Prometheus refuses it too. `warning`: it could not be checked here, so no tree."""

    tree: Tree = None
    fault: str | None = None
    warning: str | None = None


def parse_expression(text: str) -> Expression:
    """Parses one expression; never raises, whatever the text is."""
    if len(_OPERATOR.findall(_STRINGS_AND_COMMENTS.sub("", text))) > _MAX_OPERATORS:
        return Expression(warning="the expression is too long to be checked here; Prometheus decides")
    try:
        tree = promql_parser.parse(text)
    except ValueError as error:
        return _refused(text, str(error))
    except BaseException as error:
        # A panic of the native parser is no Exception.
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        return Expression(warning="the expression could not be checked here; Prometheus decides")
    fault = _regex_fault(tree)
    return Expression(fault=fault) if fault else Expression(tree=tree)


def _regex_fault(tree: Tree) -> str | None:
    for node in walk(tree):
        selector: Tree = getattr(node, "vector_selector", node)
        if type(selector).__name__ != "VectorSelector":
            continue
        if selector.matchers.or_matchers:
            return 'parse error: unexpected "or" in label matching'
        for matcher in selector.matchers.matchers:
            if str(matcher.op).rpartition(".")[2] in {"Re", "NotRe"}:
                problem = _re2_problem(matcher.value)
                if problem:
                    return f"parse error: error parsing regexp: {problem}"
    return None


def _re2_problem(pattern: str) -> str | None:
    # RE2 in C++ knows \C (one byte), Go's does not.
    if re.search(r"(?<!\\)(?:\\\\)*\\C", pattern):
        return "invalid escape sequence: `\\C`"
    try:
        re2.compile(pattern, _RE2_OPTIONS)
    except re2.error as error:
        text = error.args[0] if error.args else error
        return text.decode() if isinstance(text, bytes) else str(text)
    return None


def _refused(text: str, message: str) -> Expression:
    regex = message.partition("illegal regex for ")[2]
    if regex:
        problem = _re2_problem(regex)
        if problem is None:
            return Expression(warning=f"the regular expression {regex} could not be checked here; Prometheus decides")
        return Expression(fault=f"parse error: error parsing regexp: {problem}")
    function = re.search(r"unknown function with name '(\w+)'", message)
    if function and function[1] in _OLD_FUNCTIONS:
        return Expression(warning=f"function {function[1]} is known to Prometheus 2 only")
    if message == "invalid promql query":
        return Expression(fault=_unexpected(text))
    return Expression(fault="parse error: " + _prometheus_words(message))


def _prometheus_words(message: str) -> str:
    if message == "invalid syntax":
        return "invalid string literal"
    message = re.sub(r"(function|name|to|operation|label|operator|twice:|or|identifier) '([^']+)'", r'\1 "\2"', message)
    message = re.sub(r"\b(type|got:?|or|an) matrix\b", r"\1 range vector", message)
    return re.sub(r"\b(type|got:?|or|on|an) vector\b", r"\1 instant vector", message)


def _unexpected(text: str) -> str:
    """Finds the place the parser does not name: the first token after the longest start that could be completed."""
    if len(text) > _MAX_SEARCHED:
        return "parse error: not a valid expression"
    if _can_go_on(text):
        return "parse error: unexpected end of input"
    tokens = [token for token in TOKEN.finditer(text) if not token[0].startswith("#")]
    for before, token in reversed(list(pairwise(tokens))):
        if _can_go_on(text[: before.end()]):
            line = text.count("\n", 0, token.start()) + 1
            column = token.start() - text.rfind("\n", 0, token.start())
            return f'{line}:{column}: parse error: unexpected "{token[0]}"'
    return f'1:1: parse error: unexpected "{tokens[0][0]}"' if tokens else "parse error: no expression found in input"


def _can_go_on(start: str) -> bool:
    return any(_parses(start + completion) for completion in _COMPLETIONS)


def _parses(text: str) -> bool:
    try:
        promql_parser.parse(text)
    except ValueError:
        return False
    return True
