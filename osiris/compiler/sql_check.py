"""Telling a read-only query from anything else, before a server sees it.

A query is one SELECT, VALUES, TABLE or WITH … SELECT, or several of them in UNION, INTERSECT or
EXCEPT; in DuckDB also FROM-first, PIVOT, UNPIVOT, DESCRIBE and SUMMARIZE. Statements that change
something are refused, and so are parts of a SELECT that do: INTO, and locks (FOR UPDATE). SHOW and
EXPLAIN are no queries: what they return differs between versions of a server.

sqlglot does not know every dialect to the last corner. A text that is a query by its first word,
holds no statement or clause of the refused kinds and has its brackets closed is let through with a
warning when sqlglot cannot parse it: the server decides, and it is in a read-only transaction.

sqlglot takes a tenth of a second to import; import this module only when there is a query.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from osiris.compiler.problem import did_you_mean
from osiris.core.placeholders import PLACEHOLDER

_BEGIN = ("SELECT", "WITH", "VALUES", "TABLE")
_ALSO_BEGIN = {"duckdb": ("FROM", "PIVOT", "UNPIVOT", "DESCRIBE", "SUMMARIZE")}
_QUERIES = (exp.Query, exp.Values, exp.Pivot, exp.Describe, exp.Summarize)
_CHANGES = (exp.DML, exp.DDL, exp.Into, exp.Lock)
_STATEMENTS = frozenset({"DELETE", "INSERT", "MERGE", "REPLACE", "UPDATE"})
_LOCKS = frozenset({("FOR", "UPDATE"), ("FOR", "SHARE"), ("FOR", "NO"), ("LOCK", "IN")})
_QUOTED = frozenset({TokenType.STRING, TokenType.IDENTIFIER})
_OPEN = {TokenType.L_PAREN: ")", TokenType.L_BRACKET: "]", TokenType.L_BRACE: "}"}
_CLOSE = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE})
_COMMENT = re.compile(r"#[^\n]*|--[^\n]*|/\*.*?\*/", re.DOTALL)
_EXECUTABLE = ("/*!", "/*M!")
_CLAUSES = ("FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "JOIN", "UNION", "BETWEEN")


@dataclass(frozen=True)
class SqlFinding:
    """What is wrong with a query, at `offset` characters from its beginning.

    A `certain` finding is a mistake; another only means that sqlglot could not follow.
    """

    offset: int
    message: str
    hint: str | None = None
    certain: bool = True


def check_query(sql: str, dialect: str) -> SqlFinding | None:
    """Return the first reason why `sql` is not one read-only query, or None when it is one.

    `${VAR}` may stand anywhere in it; a text that is nothing else is not known yet, so passes.
    """
    if PLACEHOLDER.fullmatch(sql.strip()):
        return None
    # A placeholder may stand for a name or for a number; `$${` is a literal `${`.
    fillers = ("x", "1") if "${" in sql else ("",)
    findings = [_check(_filled(sql, filler), dialect) for filler in fillers]
    return None if None in findings else findings[0]


def _filled(sql: str, filler: str) -> str:
    return PLACEHOLDER.sub(lambda match: " ${" if match["escape"] else filler * len(match[0]), sql)


def _check(sql: str, dialect: str) -> SqlFinding | None:
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(sql)
    except TokenError:
        return SqlFinding(0, "a quote or a comment in the query is not closed")
    return (
        _statements(tokens)
        or _first_word(tokens, dialect)
        or _executable(sql, tokens, dialect)
        or _parsed(sql, tokens, dialect)
    )


def _statements(tokens: list[Token]) -> SqlFinding | None:
    ends = [i for i, token in enumerate(tokens) if token.token_type == TokenType.SEMICOLON]
    words = [token for token in tokens if token.token_type != TokenType.SEMICOLON]
    if not words:
        return SqlFinding(0, "the query is empty")
    second = [token for token in words if ends and token.start > tokens[ends[0]].start]
    if not second:
        return None
    return SqlFinding(second[0].start, "a second statement begins here", "keep one query a step")


def _first_word(tokens: list[Token], dialect: str) -> SqlFinding | None:
    first = next((t for t in tokens if t.token_type != TokenType.L_PAREN), tokens[0])
    allowed = (*_BEGIN, *_ALSO_BEGIN.get(dialect, ()))
    word = first.text.upper()
    if word in allowed:
        return None
    message = f"this is not a query: it begins with {word[:40]}, not {', '.join(allowed)}"
    typo = did_you_mean(word, allowed) if first.token_type == TokenType.VAR else None
    hint = typo or "a step may only read; write a SELECT"
    if word in {"SHOW", "EXPLAIN", "DESC", "DESCRIBE"}:
        hint = "select from information_schema instead"
    return SqlFinding(first.start, message, hint)


def _executable(sql: str, tokens: list[Token], dialect: str) -> SqlFinding | None:
    """Find what sqlglot takes for a comment and MySQL for a part of the query."""
    if dialect != "mysql":
        return None
    for start, gap in _gaps(sql, tokens):
        for comment in _COMMENT.finditer(gap):
            if comment[0].startswith(_EXECUTABLE):
                message = "MySQL executes what is inside a comment /*! … */"
                hint = "write it without the comment, or remove it"
                return SqlFinding(start + comment.start(), message, hint)
    return None


def _gaps(sql: str, tokens: list[Token]) -> Iterator[tuple[int, str]]:
    """Yield what stands between the tokens, blanks and comments, with its offset."""
    end = 0
    for token in tokens:
        yield end, sql[end : token.start]
        end = token.end + 1
    yield end, sql[end:]


def _parsed(sql: str, tokens: list[Token], dialect: str) -> SqlFinding | None:
    logger = logging.getLogger("sqlglot")
    was_disabled, logger.disabled = logger.disabled, True  # it prints what it does not know
    try:
        statements = [s for s in sqlglot.parse(sql, read=dialect) if s]
    except ParseError as error:
        return _unparsed(tokens, _parse_error(error, sql))
    except (SqlglotError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        # A fault of the parser is not a fault of the query.
        return _unparsed(tokens, SqlFinding(0, "the query could not be parsed", certain=False))
    except RecursionError:
        return SqlFinding(0, "the query is nested too deep", "split it into several steps")
    finally:
        logger.disabled = was_disabled
    return _changes(statements[0], tokens)


def _changes(statement: exp.Expr, tokens: list[Token]) -> SqlFinding | None:
    hint = "a step may only read; write a SELECT"
    if not isinstance(statement, _QUERIES):
        message = f"this is not a query but {statement.key.upper()}"
        return SqlFinding(tokens[0].start, message, hint)
    change = next(statement.find_all(*_CHANGES), None)
    if change is None:
        return None
    token = _changing(tokens) or tokens[0]
    words = {"LOCK": "a lock (FOR UPDATE, FOR SHARE, LOCK IN SHARE MODE)"}
    what = words.get(change.key.upper(), change.key.upper())
    return SqlFinding(token.start, f"a query may not hold {what}", hint)


def _changing(tokens: list[Token]) -> Token | None:
    """Return the first token that makes more than a query of a text that begins like one."""
    words = ["", *("'" if t.token_type in _QUOTED else t.text.upper() for t in tokens), ""]
    for token, previous, word, after in zip(tokens, words, words[1:], words[2:], strict=False):
        if word == "INTO" and after not in {"NAME", "NULLS"}:  # UNPIVOT … INTO NAME
            return token
        if word in _STATEMENTS and previous == ")" and after != "(":
            return token
        if (word, after) in _LOCKS:
            return token
    return None


def _parse_error(error: ParseError, sql: str) -> SqlFinding:
    first = error.errors[0] if error.errors else {}
    line, column = first.get("line") or 1, first.get("col") or 1
    near = first.get("highlight") or ""
    start = sum(len(text) for text in sql.splitlines(keepends=True)[: line - 1])
    offset = max(start + column - max(len(near), 1), 0)
    what = str(first.get("description")).partition(" but got <Token")[0]
    message = f"the query could not be understood near {near[:40]!r}: {what}"
    hint = "check the SQL; the server will decide when the step runs"
    return SqlFinding(min(offset, len(sql)), message, hint, certain=False)


def _unparsed(tokens: list[Token], finding: SqlFinding) -> SqlFinding:
    """Return a certain finding instead, where the tokens alone show a mistake."""
    token = _changing(tokens)
    if token is not None:
        message = f"a query may not hold {token.text.upper()}"
        return SqlFinding(token.start, message, "a step may only read; write a SELECT")
    if _is_open(tokens):
        return replace(finding, certain=True, hint="every bracket needs its partner")
    near = [t.text for t in tokens if t.start <= finding.offset and t.token_type == TokenType.VAR]
    typo = next(filter(None, (did_you_mean(word, _CLAUSES) for word in near[:-3:-1])), None)
    return replace(finding, hint=typo or finding.hint)


def _is_open(tokens: list[Token]) -> bool:
    waiting: list[str] = []
    for token in tokens:
        if token.token_type in _OPEN:
            waiting.append(_OPEN[token.token_type])
        elif token.token_type in _CLOSE and (not waiting or waiting.pop() != token.text):
            return True
    return bool(waiting)
