"""Each thing that an authorization server can do wrong: the page that a clinician gets, and that no
token is left behind.
"""

from __future__ import annotations

import re

import pytest

from sandbox.auth.faults import FAULTS
from store import tables
from tests.launch.browser import Browser
from tests.launch.kinds import kind_of
from tests.launch.stage import PATIENT, Stage
from tests.launch.tables import rows

# The EHR's own page, since it never sends the browser back.
AT_THE_EHR = "ehr's own"

# Fault, page. "chart": it is no reason to refuse.
CASES: list[tuple[str, str]] = [
    ("disco_404", "ehr-setup"),
    ("disco_html", "ehr-setup"),
    ("disco_redirect", "ehr-setup"),
    ("disco_slow", "ehr-slow"),
    ("disco_drip", "ehr-slow"),
    ("disco_huge", "ehr-setup"),
    ("disco_array", "ehr-setup"),
    ("disco_no_s256", "ehr-setup"),
    ("disco_relative", "chart"),
    ("disco_evil_token_endpoint", "ehr-setup"),
    ("disco_evil_authorize", "ehr-setup"),
    ("disco_script_authorize", "ehr-setup"),
    ("disco_metadata_address", "ehr-setup"),
    ("disco_session_keys", "chart"),
    ("disco_no_issuer", "chart"),
    ("disco_no_authorize", "ehr-setup"),
    ("disco_no_token", "ehr-setup"),
    ("disco_no_capabilities", "ehr-setup"),
    ("disco_no_algorithms", "chart"),
    ("disco_no_revocation", "chart"),
    ("disco_v1_only", "chart"),
    ("disco_no_launch", "chart"),
    ("jwks_rotated", "chart"),
    ("jwks_404", "ehr-unavailable"),
    ("jwks_empty", "not-verified"),
    ("jwks_redirect", "ehr-setup"),
    ("jwks_slow", "ehr-slow"),
    ("jwks_huge", "ehr-setup"),
    ("auth_invalid_client_id", AT_THE_EHR),
    ("auth_invalid_redirect_uri", AT_THE_EHR),
    ("no_redirect_401", AT_THE_EHR),
    ("auth_invalid_scope", "ehr-setup"),
    ("access_denied", "denied"),
    ("login_required", "denied"),
    ("server_error", "ehr-unavailable"),
    ("temporarily_unavailable", "ehr-unavailable"),
    ("error_markup", "ehr-unavailable"),
    ("state_missing", "bad-request"),
    ("state_changed", "bad-request"),
    ("iss_missing", "not-verified"),
    ("iss_wrong", "not-verified"),
    ("code_missing", "not-verified"),
    ("code_and_error", "not-verified"),
    ("code_twice", "not-verified"),
    ("code_wrong", "expired"),
    ("callback_post", AT_THE_EHR),
    ("auth_invalid_client_secret", "ehr-setup"),
    ("token_expired_registration_token", "ehr-setup"),
    ("token_invalid_jti", "ehr-setup"),
    ("token_invalid_token", "expired"),
    ("token_invalid_scope", "ehr-setup"),
    ("token_html_500", "ehr-unavailable"),
    ("token_503", "ehr-unavailable"),
    ("token_429", "ehr-unavailable"),
    ("token_307", "ehr-setup"),
    ("token_dropped", "ehr-unavailable"),
    ("token_slow", "ehr-slow"),
    ("token_drip", "ehr-slow"),
    ("token_clock_off", "chart"),
    ("token_not_json", "not-verified"),
    ("token_array", "not-verified"),
    ("token_duplicate", "not-verified"),
    ("token_huge", "not-verified"),
    ("token_no_access", "not-verified"),
    ("token_bad_access", "not-verified"),
    ("token_no_type", "not-verified"),
    ("token_type_mac", "not-verified"),
    ("token_type_lower", "chart"),
    ("token_no_expires", "chart"),
    ("token_expires_string", "chart"),
    ("token_expires_zero", "chart"),
    ("token_expires_negative", "chart"),
    ("token_expires_huge", "chart"),
    ("token_no_scope", "403"),
    ("token_empty_scope", "403"),
    ("token_less_scope", "chart"),
    ("token_v1_scope", "chart"),
    ("token_more_scope", "chart"),
    ("token_no_patient", "no-patient"),
    ("token_null_patient", "no-patient"),
    ("token_bad_patient", "not-verified"),
    ("token_number_patient", "not-verified"),
    ("token_long_patient", "not-verified"),
    ("token_empty_patient", "not-verified"),
    ("token_unknown_patient", "502"),
    ("token_bad_encounter", "not-verified"),
    ("token_banner_string", "chart"),
    ("token_unknown_intent", "chart"),
    ("token_context_strings", "chart"),
    ("token_odd_context", "chart"),
    ("token_evil_style", "chart"),
    ("token_extra_members", "chart"),
    ("idt_missing", "user-unknown"),
    ("idt_null", "user-unknown"),
    ("idt_garbage", "not-verified"),
    ("idt_alg_none", "not-verified"),
    ("idt_hs256", "not-verified"),
    ("idt_bad_sig", "not-verified"),
    ("idt_unknown_kid", "not-verified"),
    ("idt_no_kid", "chart"),
    ("idt_jku", "chart"),
    ("idt_big_header", "not-verified"),
    ("idt_wrong_iss", "not-verified"),
    ("idt_wrong_aud", "not-verified"),
    ("idt_azp_trick", "not-verified"),
    ("idt_aud_list", "chart"),
    ("idt_aud_no_azp", "not-verified"),
    ("idt_expired", "not-verified"),
    ("idt_future", "not-verified"),
    ("idt_no_exp", "not-verified"),
    ("idt_no_sub", "not-verified"),
    ("idt_blank_sub", "not-verified"),
    ("idt_long_sub", "not-verified"),
    ("idt_no_nonce", "not-verified"),
    ("idt_wrong_nonce", "not-verified"),
    ("idt_bad_at_hash", "not-verified"),
    ("idt_foreign_fhiruser", "chart"),
    ("idt_relative_fhiruser", "chart"),
    ("idt_fhiruser_organization", "not-verified"),
    ("idt_no_fhiruser", "chart"),
    ("idt_profile_claim", "chart"),
]
# The EHR issued tokens, and what it sent never came whole: nobody knows what to revoke.
NEVER_CAME = {"token_dropped", "token_drip", "token_huge", "token_not_json", "token_slow"}

# The cookie of a launch that lives; one of a launch that waits has a longer name.
LIVE = re.compile("__Host-sl-[0-9a-f]{16}")

# Those of renewal and revocation are tried in test_refresh.py and test_sessions.py, those of FHIR
# with the pages.
ELSEWHERE = ("refresh_", "revoke_", "fhir_", "request_", "token_expired_refresh_token")


@pytest.mark.req("SL-053", "SL-054", "SL-055", "SL-057", "SL-058", "SL-066", "SL-132", "T-25")
@pytest.mark.parametrize(("fault", "kind"), CASES, ids=[fault for fault, _ in CASES])
def test_the_page_says_what_happened_and_no_token_is_left(
    site: Stage, browser: Browser, fault: str, kind: str
) -> None:
    site.clock.forward(hours=3)  # the documents and keys that were kept are too old
    before, kept = site.ehr.active_tokens(), len(rows(site, tables.launches))
    page = site.open(browser, faults=[fault])
    site.ehr.launch("chartside", patient=PATIENT)  # its document is right again
    if kind == AT_THE_EHR:
        assert site.ehr.origin in page.url or page.status == 405
        assert site.token_requests() == []
        return
    assert kind_of(page) == kind, page.text
    started = "/app/" in page.url
    assert started == (kind in ("chart", "403", "502"))
    if not started:
        assert set(site.ehr.active_tokens()) <= set(before) or fault in NEVER_CAME
        assert len(rows(site, tables.launches)) == kept
        assert not any(LIVE.fullmatch(name) for name in browser.jar.get(site.netloc, {}))
    for word in ("Traceback", "alert(", "invalid_", site.ehr.origin):
        assert word not in page.text


def test_every_fault_is_tried() -> None:
    tried = {fault for fault, _ in CASES}
    assert {name for name in FAULTS if not name.startswith(ELSEWHERE)} == tried
    assert len(tried) >= 60
