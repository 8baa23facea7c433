"""Recognising a secret that was written out: by the form of the text, or by the name it goes by."""

import re

from osiris.core.placeholders import PLACEHOLDER

# Every repetition is bounded, so that no text takes long to search.
_FORMS = {
    "a private key": r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----",
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40})",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{20}",
    "a Google API key": r"\bAIza[0-9A-Za-z_-]{35}",
    "a Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10}",
    "a Stripe key": r"\b[rs]k_live_[A-Za-z0-9]{16}",
    "an API key": r"\b(?:sk-(?:ant-|proj-)?[A-Za-z0-9_-]{32}|e2b_[0-9a-f]{40})",
    "a JSON web token": r"\beyJ[A-Za-z0-9_-]{8,500}\.eyJ[A-Za-z0-9_-]{8}",
}
_FORM = re.compile("|".join(f"(?:{form})" for form in _FORMS.values()))
_URL = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s/?#:@'\"]{0,200}:(?P<password>[^\s/?#@'\"]{1,200})@"
)
_NAME = re.compile(
    r"(?:^|[_-])(?:password|passwd|passphrase|pwd|secret|token|credentials?|"
    r"(?:api|access|auth|private|secret)[_-]?key)$",
    re.IGNORECASE,
)


def secret_in(text: str) -> str | None:
    """Return what secret a text seems to hold (`a private key`), or None.

    Only forms that hardly ever mean anything else count: known tokens, and a URL with a password.
    """
    if _FORM.search(text):
        return next(what for what, form in _FORMS.items() if re.search(form, text))
    for match in _URL.finditer(text):
        if not is_reference(match["password"]):
            return "a URL with a password"
    return None


def named_like_a_secret(name: str) -> bool:
    """Tell whether a field of this name is one to hold a secret: `password`, `api_key`."""
    return bool(_NAME.search(name))


def is_reference(value: str) -> bool:
    """Tell whether a text discloses nothing: it is empty, or placeholders without defaults."""
    rest = PLACEHOLDER.sub(
        lambda match: match["default"] or ("${" if match["escape"] else ""), value
    )
    return not rest


def variable_for(family: str, field: str) -> str:
    """Return a name for the environment variable that should hold a secret: `MYSQL_PASSWORD`."""
    return re.sub(r"[^A-Z0-9_]", "_", f"{family}_{field}".upper())
