"""Which columns look as if their values should not be shown, by their names.

A name is cut into lower-case words at everything that is no letter or digit and where a capital
follows a small letter: `userPassword`, `user_password` and `USER PASSWORD` are the words user and
password. It is sensitive when it has one of `WORDS`, two words running that are one of `PAIRS`, or
one of `ANYWHERE` in it, however it is written.
"""

import itertools
import re
from typing import Final

WORDS: Final = frozenset(
    {
        # what lets somebody in
        *("apikey", "bearer", "cookie", "credential", "credentials", "jwt", "mfa", "otp", "pass"),
        *("passcode", "passwd", "password", "passwords", "passphrase", "pin", "pwd", "salt"),
        *("secret", "secrets", "token", "tokens", "totp"),
        # who somebody is, and how to reach or charge them
        *("birthdate", "birthday", "cvc", "cvv", "dob", "email", "emails", "iban", "mobile"),
        *("nin", "passport", "phone", "phones", "ssn", "telephone"),
    }
)

PAIRS: Final = frozenset(
    {
        *(("access", "key"), ("api", "key"), ("auth", "key"), ("encryption", "key")),
        *(("master", "key"), ("private", "key"), ("secret", "key"), ("service", "key")),
        *(("signing", "key"), ("ssh", "key"), ("recovery", "code"), ("security", "answer")),
        *(("security", "code"), ("session", "id"), ("bank", "account"), ("account", "number")),
        *(("birth", "date"), ("card", "number"), ("credit", "card"), ("date", "birth")),
        *(("driver", "license"), ("e", "mail"), ("national", "id"), ("social", "security")),
        *(("tax", "id"), ("tax", "number")),
    }
)

ANYWHERE: Final = ("password", "passwd", "passphrase", "apikey", "accesskey", "privatekey")

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_FILLERS: Final = frozenset({"of", "the"})


def is_sensitive(name: str) -> bool:
    """Tell whether a column of this name looks as if its values should not be shown."""
    words = [word.lower() for word in _WORD.findall(name)]
    words = [word for word in words if word not in _FILLERS]
    joined = "".join(words)
    return (
        not WORDS.isdisjoint(words)
        or not PAIRS.isdisjoint(itertools.pairwise(words))
        or any(text in joined for text in ANYWHERE)
    )
