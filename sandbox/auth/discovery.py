"""What the EHR says of its authorization server.

SMART App Launch 2.2, "Conformance", and OpenID Connect Discovery 1.0.
"""

from collections.abc import Collection, Iterable
from typing import Any

from sandbox.auth.site import Site
from sandbox.http.answer import Answer, json_answer, redirect
from sandbox.http.faults import Drip, Fault, Slow

CAPABILITIES = [
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-banner",
    "context-style",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "context-standalone-encounter",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
]
_SCOPES = [
    "launch",
    "launch/patient",
    "launch/encounter",
    "openid",
    "fhirUser",
    "online_access",
    "offline_access",
    "messaging/scratchpad",
    "messaging/ui",
    "patient/*.rs",
    "user/*.rs",
]
_OPEN = {"Access-Control-Allow-Origin": "*"}
_HTML = b"<!doctype html><title>Welcome</title><p>The portal of the development EHR</p>"


def smart_configuration(site: Site, methods: Iterable[str]) -> dict[str, Any]:
    """The SMART document; `methods` are those that registered clients authenticate by."""
    offered = dict.fromkeys(["private_key_jwt", "client_secret_basic", *methods])
    return {
        "issuer": site.iss,
        "jwks_uri": site.jwks,
        "authorization_endpoint": site.authorize,
        "token_endpoint": site.token,
        "introspection_endpoint": site.introspect,
        "revocation_endpoint": site.revoke,
        "grant_types_supported": ["authorization_code"],
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": list(offered),
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "scopes_supported": _SCOPES,
        "authorization_response_iss_parameter_supported": True,
        "capabilities": CAPABILITIES,
    }


def openid_configuration(site: Site) -> dict[str, Any]:
    """The OpenID document."""
    return {
        "issuer": site.iss,
        "authorization_endpoint": site.authorize,
        "token_endpoint": site.token,
        "jwks_uri": site.jwks,
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


def discovered(
    document: dict[str, Any], site: Site, faults: Collection[str]
) -> tuple[Answer, Fault]:
    """The answer with the SMART document, spoilt as asked."""
    for fault, members in _CHANGED.items():
        if fault in faults:
            document = {**document, **members}
    for fault, absent in _ABSENT.items():
        if fault in faults:
            document = {name: value for name, value in document.items() if name not in absent}
    if "disco_relative" in faults:
        document = {
            name: value.replace(f"{site.origin}/", "../") if name.endswith("_endpoint") else value
            for name, value in document.items()
        }
    if "disco_evil_token_endpoint" in faults:
        document = {**document, "token_endpoint": f"{site.elsewhere}/auth/token"}
    if "disco_evil_authorize" in faults:
        document = {**document, "authorization_endpoint": f"{site.elsewhere}/auth/authorize"}
    answer = json_answer(document, headers=_OPEN)
    if "disco_404" in faults:
        answer = json_answer({"error": "not found"}, 404, _OPEN)
    if "disco_html" in faults:
        answer = Answer(200, _HTML, {"Content-Type": "text/html"})
    if "disco_array" in faults:
        answer = Answer(200, b"[" + answer.body + b"]", answer.headers)
    if "disco_huge" in faults:
        answer = Answer(200, answer.body.ljust(1 << 20), answer.headers)
    if "disco_redirect" in faults:
        answer = redirect(f"{site.elsewhere}/fhir/.well-known/smart-configuration")
    if "disco_drip" in faults:
        return answer, Drip(site.slow / 20)
    return answer, Slow(site.slow) if "disco_slow" in faults else Fault()


def published(keys: dict[str, Any], site: Site, faults: Collection[str]) -> tuple[Answer, Fault]:
    """The answer with the keys of the id_tokens, spoilt as asked."""
    answer = json_answer({"keys": []} if "jwks_empty" in faults else keys, headers=_OPEN)
    if "jwks_404" in faults:
        answer = json_answer({"error": "not found"}, 404, _OPEN)
    if "jwks_huge" in faults:
        answer = Answer(200, answer.body.ljust(1 << 20), answer.headers)
    if "jwks_redirect" in faults:
        answer = redirect(f"{site.elsewhere}/jwks.json")
    return answer, Slow(site.slow) if "jwks_slow" in faults else Fault()


_CHANGED: dict[str, dict[str, Any]] = {
    "disco_no_s256": {"code_challenge_methods_supported": ["plain"]},
    "disco_session_keys": {
        "verify": False,
        "proxies": {"http": "http://elsewhere.invalid:1"},
        "token_endpoint_auth_method": "client_secret_post",
        "scope": "user/*.cruds",
    },
    "disco_script_authorize": {"authorization_endpoint": "javascript:alert(1)"},
    "disco_metadata_address": {"token_endpoint": "http://169.254.169.254/latest/token"},
    "disco_v1_only": {
        "capabilities": [c for c in CAPABILITIES if c not in ("permission-v2", "authorize-post")]
    },
    "disco_no_launch": {"capabilities": ["permission-v2"]},
}
_ABSENT = {
    "disco_no_issuer": {"issuer"},
    "disco_no_authorize": {"authorization_endpoint"},
    "disco_no_token": {"token_endpoint"},
    "disco_no_capabilities": {"capabilities"},
    "disco_no_algorithms": {"token_endpoint_auth_signing_alg_values_supported"},
    "disco_no_revocation": {"revocation_endpoint"},
}
