"""The launcher, and charts side by side with the app in frames.

The launcher understands what smart-launcher-v2 calls its options, and the address by which the
public CDS Hooks sandbox asks for launches.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Unpack, cast
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from sandbox.auth.clients import Client
from sandbox.auth.faults import FAULTS
from sandbox.auth.interaction import DEFAULT_USER, Interaction
from sandbox.auth.launches import Context
from sandbox.desk.origin import of_tool, same_origin
from sandbox.fhir.store import Store
from sandbox.http.answer import Answer, Resource, json_answer, redirect, refused
from sandbox.http.listener import Request
from sandbox.pages.page import page
from sandbox.pages.words import full_name

_ENCOUNTERS = {"0": "AUTO", "1": "MANUAL", "": None}
_STRINGS = ("user", "encounter", "app_context", "intent", "tenant", "scope")


class Ehr(Protocol):
    """What the desk needs of the EHR that it stands in."""

    def launch(
        self, client_id: str, *, patient: str | Sequence[str] | None, **context: Unpack[Context]
    ) -> str:
        """The value of a new launch."""

    def launch_url(self, app_launch_url: str, launch: str) -> str:
        """Where the EHR opens the app."""

    def sign_out(self, user: str = ...) -> None:
        """The user leaves."""


class _Wanted(Struct, forbid_unknown_fields=True):
    """A launch as a program asks for it at /sim/launch."""

    launch_url: str
    patient: str | list[str] | None = None
    user: str = DEFAULT_USER
    encounter: str | None = None
    app_context: str | None = None
    need_patient_banner: bool | None = None
    intent: str | None = None
    tenant: str | None = None
    style: bool = False
    fhir_context: list[dict[str, Any] | str] | None = None
    skip_login: bool = True
    skip_auth: bool = True
    scope: str | None = None
    faults: list[str] = []


class _Parameters(Struct, rename="camel"):
    patient: str = ""
    app_context: str | None = None


class _WantedByHooks(Struct, rename="camel"):
    """A launch as the public CDS Hooks sandbox asks for it."""

    launch_url: str
    parameters: _Parameters


class _Refused(Exception):
    """Why no launch is made."""


class Launcher:
    """Answers for the launcher, for charts in frames and for requests for a launch."""

    def __init__(
        self, clients: Mapping[str, Client], store: Store, ehr: Ehr, interaction: Interaction
    ) -> None:
        self._clients = clients
        self._store = store
        self._ehr = ehr
        self._interaction = interaction

    def answer(self, request: Request) -> Answer | None:
        """The answer, if the request is for something here."""
        try:
            match request.method, request.path:
                case "GET", "/ehr":
                    return self._chart(dict(request.query))
                case "POST", "/ehr/sign-out":
                    self._ehr.sign_out(dict(request.form).get("user", DEFAULT_USER))
                    return redirect("/launcher")
                case "GET", "/launcher":
                    return self._launcher(request)
                case "POST", "/launcher":
                    return redirect(self._from_form(request))
                case "POST", "/sim/launch":
                    return json_answer(self._from_json(request.body))
                case "POST", "/fhir/_services/smart/Launch":
                    return self._for_hooks(request)
        except (_Refused, ValueError, msgspec.DecodeError, RecursionError) as error:
            if request.path.startswith("/fhir/"):
                return refused(400, "invalid", str(error))
            if request.path == "/sim/launch":
                return json_answer({"error": str(error)}, 400)
            return page("refused.html", 400, reason=str(error))
        return None

    def _chart(self, options: Mapping[str, str]) -> Answer:
        client, url = self._app(options.get("app"))
        user = options.get("user", DEFAULT_USER)
        patients = self._patients(options)
        tabs = [
            {
                "patient": patient,
                "src": self._opened(client, url, patient["id"], user),
                "window": self._opened(client, url, patient["id"], user),
            }
            for patient in patients
        ]
        answer = page(
            "chart.html",
            form_action="",
            frames=_origin(url),
            tabs=tabs,
            user=user,
            client=client.id,
        )
        headers = {**answer.headers, **self._interaction.sign_in(user)}
        return Answer(answer.status, answer.body, headers)

    def _patients(self, options: Mapping[str, str]) -> list[Resource]:
        ids = options.get("patients", "").split(",") if options.get("patients") else None
        every = {patient["id"]: patient for patient in self._store.all("Patient")}
        if ids is None:
            return list(every.values())[:2]
        if missing := [i for i in ids if i not in every]:
            raise _Refused(f"There is no patient {missing[0]!r}.")
        return [every[i] for i in ids]

    def _opened(self, client: Client, url: str, patient: str, user: str) -> str:
        launch = self._ehr.launch(client.id, patient=[patient], user=user, encounter="AUTO")
        return self._ehr.launch_url(url, launch)

    def _launcher(self, request: Request) -> Answer:
        options = dict(request.query)
        if "launch_uri" in options:
            return self._as_smart_launcher(options)
        urls = [url for client in self._clients.values() for url in client.launch_urls]
        origins = " ".join(sorted({_origin(url) for url in urls}))
        return page(
            "launcher.html",
            form_action=origins,
            urls=urls,
            patients=sorted(self._store.all("Patient"), key=full_name),
            users=self._interaction.users(),
            faults=FAULTS,
        )

    def _as_smart_launcher(self, options: Mapping[str, str]) -> Answer:
        if options.get("fhir_ver", "4") != "4":
            raise _Refused("This EHR speaks FHIR R4 only: fhir_ver=4.")
        if options.get("sim_ehr") == "1":
            chosen = {"app": options["launch_uri"], "patients": options.get("patient", "")}
            return self._chart(chosen)
        client, url = self._app(options["launch_uri"])
        user = options.get("provider")
        launch = self._ehr.launch(
            client.id,
            patient=_listed(options.get("patient", "")),
            user=f"Practitioner/{user}" if user else DEFAULT_USER,
            encounter=_ENCOUNTERS.get(options.get("select_encounter", "0")),
            faults=_listed(options.get("auth_error", "")),
        )
        return redirect(self._ehr.launch_url(url, launch))

    def _from_form(self, request: Request) -> str:
        form = dict(request.form)
        client, url = self._app(form.get("app"))
        banner = {"true": True, "false": False}.get(form.get("need_patient_banner", ""))
        strings = {name: form[name] for name in _STRINGS if form.get(name)}
        context: Context = {
            **cast(Context, strings),
            "faults": [value for name, value in request.form if name == "fault"],
            "need_patient_banner": banner,
            "skip_login": "login" not in form,
            "skip_auth": "consent" not in form,
        }
        patients = [value for name, value in request.form if name == "patient"]
        launch = self._ehr.launch(client.id, patient=patients, **context)
        return self._ehr.launch_url(url, launch)

    def _from_json(self, body: bytes) -> dict[str, str]:
        wanted = msgspec.json.decode(body, type=_Wanted)
        client, url = self._app(wanted.launch_url)
        members = msgspec.structs.asdict(wanted)
        del members["launch_url"]
        launch = self._ehr.launch(client.id, **members)
        return {"launch_id": launch, "url": self._ehr.launch_url(url, launch)}

    def _for_hooks(self, request: Request) -> Answer:
        if not (same_origin(request) or of_tool(request)):
            return refused(403, "forbidden", "Pages of this origin get no launches.")
        wanted = msgspec.json.decode(request.body, type=_WantedByHooks)
        client, _ = self._app(wanted.launch_url)
        launch = self._ehr.launch(
            client.id,
            patient=_listed(wanted.parameters.patient),
            app_context=wanted.parameters.app_context,
        )
        return json_answer({"launch_id": launch})

    def _app(self, url: str | None) -> tuple[Client, str]:
        every = [(client, u) for client in self._clients.values() for u in client.launch_urls]
        for client, registered in every:
            if url is None or url == registered:
                return client, registered
        raise _Refused("No app is registered with this launch URL.")


def _listed(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
