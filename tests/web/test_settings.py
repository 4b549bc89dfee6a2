"""Settings from the environment: what is taken, and what stops the start by its name."""

from pathlib import Path

import pytest

from web.settings import Settings, StartError, from_environment

DEVELOPMENT = {"CHARTSIDE_MODE": "development"}


def test_development_needs_nothing_else() -> None:
    settings = from_environment(DEVELOPMENT)
    assert settings == Settings(mode="development")
    assert settings.path_prefix == ""


def test_other_variables_are_not_ours() -> None:
    assert from_environment({**DEVELOPMENT, "PATH": "/bin", "PORT": "1"}) == Settings(
        mode="development"
    )


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("body_limit", "1000", 1000),
        ("prefetch_deadline", "2.5", 2.5),
        ("prefetch_deadline", "10", 10.0),
        ("public_url", "https://cds.example/x/y", "https://cds.example/x/y"),
        ("secret", "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"),
    ],
)
def test_a_variable_is_read_by_the_type_of_its_setting(name: str, text: str, value: object) -> None:
    settings = from_environment({**DEVELOPMENT, f"CHARTSIDE_{name.upper()}": text})
    assert getattr(settings, name) == value


@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        ("http://localhost:5000", ""),
        ("http://localhost:5000/", ""),
        ("https://cds.example/x/y", "/x/y"),
        ("https://cds.example/x/y/", "/x/y"),
        ("https://[::1]:8443/x", "/x"),
    ],
)
def test_the_path_of_the_public_url_is_the_prefix(url: str, prefix: str) -> None:
    settings = from_environment({**DEVELOPMENT, "CHARTSIDE_PUBLIC_URL": url})
    assert settings.path_prefix == prefix


WRONG = [
    ("CHARTSIDE_MODE", "prod"),
    ("CHARTSIDE_MODE", "Development"),
    ("CHARTSIDE_MODE", ""),
    ("CHARTSIDE_BODY_LIMIT", "999"),
    ("CHARTSIDE_BODY_LIMIT", "-1"),
    ("CHARTSIDE_BODY_LIMIT", "many"),
    ("CHARTSIDE_BODY_LIMIT", ""),
    ("CHARTSIDE_PREFETCH_DEADLINE", "0"),
    ("CHARTSIDE_PREFETCH_DEADLINE", "-1"),
    ("CHARTSIDE_PREFETCH_DEADLINE", "11"),
    ("CHARTSIDE_PREFETCH_DEADLINE", "nan"),
    ("CHARTSIDE_PREFETCH_DEADLINE", "inf"),
    ("CHARTSIDE_PREFETCH_DEADLINE", "soon"),
    ("CHARTSIDE_CERTIFICATE_HEADER", "X-Client-Cert"),
    ("CHARTSIDE_CERTIFICATE_HEADER", "X_Client_Cert"),
    ("CHARTSIDE_CERTIFICATE_HEADER", ""),
    ("CHARTSIDE_PUBLIC_URL", ""),
    ("CHARTSIDE_PUBLIC_URL", "localhost:5000"),
    ("CHARTSIDE_PUBLIC_URL", "/x"),
    ("CHARTSIDE_PUBLIC_URL", "ftp://cds.example"),
    ("CHARTSIDE_PUBLIC_URL", "http://"),
    ("CHARTSIDE_PUBLIC_URL", "http://["),
    ("CHARTSIDE_PUBLIC_URL", "http://cds.example:x"),
    ("CHARTSIDE_PUBLIC_URL", "http://cds.example/<id>"),
    ("CHARTSIDE_PUBLIC_URL", "http://cds.example/a b"),
    ("CHARTSIDE_PUBLIC_URL", "http://cds.example/x?y=z"),
    ("CHARTSIDE_PUBLIC_URL", "http://cds.example/x#y"),
    ("CHARTSIDE_PUBLIC_URL", "http://user:word@cds.example"),
    ("CHARTSIDE_PUBLIC_URL", "http://cds.example\n"),
    ("CHARTSIDE_SECRET", ""),
    ("CHARTSIDE_BODYLIMIT", "8000000"),
    ("CHARTSIDE_EHR", "{}"),
]


@pytest.mark.parametrize(("variable", "text"), WRONG)
def test_a_bad_variable_stops_the_start_by_its_name(variable: str, text: str) -> None:
    with pytest.raises(StartError) as caught:
        from_environment({**DEVELOPMENT, variable: text})
    assert variable in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("environment", [{}, {"CHARTSIDE_MODE": "production"}])
def test_production_is_the_default_and_refuses_to_start(environment: dict[str, str]) -> None:
    with pytest.raises(StartError, match="trust records"):
        from_environment(environment)


def test_a_secret_is_not_told_when_something_else_is_wrong() -> None:
    environment = {"CHARTSIDE_SECRET": "hush-hush-hush-hush", "CHARTSIDE_BODY_LIMIT": "x"}
    with pytest.raises(StartError) as caught:
        from_environment({**DEVELOPMENT, **environment})
    assert "hush" not in str(caught.value)


def test_its_text_shows_neither_secret_nor_password() -> None:
    settings = Settings(secret="hush" * 8, database="postgresql+psycopg://me:hush@db.example/x")
    assert "hush" not in repr(settings)
    assert "hush" not in f"{settings} {[settings]}"


SMART = (
    '[ehr.a]\ntime_zone = "UTC"\nfhir_bases = ["https://a.test"]\n[ehr.a.smart]\nclient_id = "c"\n'
)


@pytest.mark.req("SL-006", "T-21")
@pytest.mark.parametrize("folder", [None, "keys", "./keys", "~/keys"])
def test_production_is_told_where_the_client_keys_are(folder: str | None, tmp_path: Path) -> None:
    config = tmp_path / "trust.toml"
    config.write_text(SMART)
    given = {
        "CHARTSIDE_CONFIG": str(config),
        "CHARTSIDE_SECRET": "0123456789abcdef0123456789abcdef",
        "CHARTSIDE_PUBLIC_URL": "https://cds.example",
    }
    named = {} if folder is None else {"CHARTSIDE_KEYS_FOLDER": folder}
    with pytest.raises(StartError, match=r"ehr\.a\.smart signs .*: set CHARTSIDE_KEYS_FOLDER"):
        from_environment({**given, **named})
    assert from_environment({**given, "CHARTSIDE_KEYS_FOLDER": str(tmp_path / "keys")})
    assert from_environment({**given, **named, **DEVELOPMENT})
    # Without a record that signs there is nothing to keep.
    config.write_text(SMART + 'auth = "none"\n')
    assert from_environment({**given, **named})


def test_a_certificate_needs_the_header_that_tells_it(tmp_path: Path) -> None:
    (tmp_path / "trust.toml").write_text(
        '[ehr.a]\ntime_zone = "UTC"\n[ehr.a.cds]\nissuer = "https://a.test"\n'
        'jku = "https://a.test/jwks"\nservices = ["x"]\ncertificate = "CN=a"\n'
    )
    given = {**DEVELOPMENT, "CHARTSIDE_CONFIG": str(tmp_path / "trust.toml")}
    with pytest.raises(StartError, match=r"ehr\.a\.cds.certificate needs CHARTSIDE_CERTIFICATE_"):
        from_environment(given)
    assert from_environment({**given, "CHARTSIDE_CERTIFICATE_HEADER": "Clientcert"})


def test_a_value_is_given_once(tmp_path: Path) -> None:
    (tmp_path / "limit").write_text("5000\n")
    given = {**DEVELOPMENT, "CHARTSIDE_BODY_LIMIT_FILE": str(tmp_path / "limit")}
    assert from_environment(given).body_limit == 5000
    with pytest.raises(StartError, match="CHARTSIDE_BODY_LIMIT and CHARTSIDE_BODY_LIMIT_FILE"):
        from_environment({**given, "CHARTSIDE_BODY_LIMIT": "5000"})
