"""Which names of columns look as if their values should not be shown."""

import pytest

from osiris.discovery.sensitive_names import is_sensitive


@pytest.mark.parametrize(
    "name",
    [
        *("password", "PASSWORD_HASH", "userPassword", "userpassword", "DB_PASS", "pwd"),
        *("token", "accessToken", "refresh_tokens", "client-secret", "API KEY", "apikey"),
        *("private_key", "sshKey", "ssn", "SSN", "social_security_number", "iban", "cvv"),
        *("email", "e_mail", "E-Mail Address", "phone", "dateOfBirth", "credit_card", "taxId"),
    ],
)
def test_sensitive(name: str) -> None:
    assert is_sensitive(name)


@pytest.mark.parametrize(
    "name",
    ["id", "key", "primary_key", "secretary", "tokenizer", "passenger", "compass", "name", "", "é"],
)
def test_harmless(name: str) -> None:
    assert not is_sensitive(name)
