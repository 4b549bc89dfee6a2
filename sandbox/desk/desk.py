"""Everything a person sees at the EHR but the sign-in: which page a request is for.

Forms act and lead on by 303, so that a page can be read again. Where anything is done, a page of
another origin cannot ask for it.
"""

from collections.abc import Mapping
from dataclasses import replace

from sandbox.auth.clients import Client
from sandbox.auth.interaction import Interaction
from sandbox.cds.client import CdsClient
from sandbox.cds.visit import Visit
from sandbox.cds.visits import Visits
from sandbox.desk import lint, patients, settings
from sandbox.desk.app import Apps
from sandbox.desk.chart import Charts
from sandbox.desk.launcher import Ehr, Launcher
from sandbox.desk.notice import Notices
from sandbox.desk.origin import same_origin
from sandbox.desk.visit import Acts
from sandbox.fhir.store import Store
from sandbox.http.answer import Answer, redirect
from sandbox.http.listener import Request
from sandbox.pages.page import page


class Desk:
    """Answers for the pages of the EHR and for requests for a launch."""

    def __init__(
        self,
        clients: Mapping[str, Client],
        store: Store,
        ehr: Ehr,
        interaction: Interaction,
        cds: CdsClient,
        visits: Visits,
    ) -> None:
        self._store = store
        self._interaction = interaction
        self._cds = cds
        self._visits = visits
        self._launcher = Launcher(clients, store, ehr, interaction)
        self._apps = Apps(clients, ehr)
        self._charts = Charts(store, cds, self._apps)
        self._acts = Acts(store, self._apps)
        self._notices = Notices()

    def answer(self, request: Request) -> Answer | None:
        """The answer, if the request is for something here."""
        if _acts(request) and not same_origin(request):
            return page(
                "refused.html",
                403,
                heading="Another page has asked for this",
                reason="A page of another site has sent it. Nothing was done.",
                next_step="Open the chart from the patient list and do it there, "
                "or type the address yourself.",
            )
        match request.method, request.path.split("/")[1:]:
            case "GET", [""]:
                user, charts = self._interaction.user(request), self._visits.all()
                return patients.listed(self._store, dict(request.query), user, charts)
            case "POST", ["user"]:
                return self._signed_in(dict(request.form).get("user", ""))
            case "GET", ["patients", patient_id]:
                return self._opened(patient_id, self._interaction.user(request))
            case _, ["visits", visit_id, *path]:
                return self._visit(request, visit_id, path)
            case "GET", ["settings"]:
                return settings.shown(self._cds, "saved" in dict(request.query))
            case "POST", ["settings"]:
                return settings.changed(self._cds, request.form)
            case "GET", ["lint"]:
                return lint.shown(self._cds, dict(request.query))
        return self._launcher.answer(request)

    def _signed_in(self, user: str) -> Answer:
        if user not in patients.staff_members():
            return _missing("Nobody of this name works here.")
        answer = redirect("/")
        return replace(answer, headers={**answer.headers, **self._interaction.sign_in(user)})

    def _opened(self, patient_id: str, user: str) -> Answer:
        if self._store.read("Patient", patient_id) is None:
            return _missing("There is no such patient here.")
        visit = self._visits.start(patient_id, user, self._encounter(patient_id))
        visit.open()
        return redirect(f"/visits/{visit.id}")

    def _encounter(self, patient_id: str) -> str | None:
        """The visit that is going on, in which orders are written."""
        going_on = [("patient", patient_id), ("status", "in-progress")]
        found = self._store.search("Encounter", going_on)
        return str(found[-1]["id"]) if found else None

    def _visit(self, request: Request, visit_id: str, path: list[str]) -> Answer | None:
        visit = self._visits.find(visit_id)
        if visit is None:
            return _missing(
                "This chart is closed: the EHR was started anew, or fifty others were opened since."
            )
        if request.method == "POST":
            return self._act(visit, path, dict(request.form))
        match path:
            case ["exchanges", exchange_id]:
                answer = self._charts.exchange(visit, exchange_id)
                return answer or _missing("This request is not kept any more.")
            case ["app", number]:
                found = self._apps.launched(visit, number)
                return redirect(found) if found else _missing("The app is not open any more.")
            case [] | [_]:
                tab = path[0] if path else ""
                notice = self._notices.take(visit)
                return self._charts.tab(visit, tab, dict(request.query), notice)
        return None

    def _act(self, visit: Visit, path: list[str], form: Mapping[str, str]) -> Answer | None:
        try:
            notice = self._acts.do(visit, path, form)
        except LookupError:
            return None
        if notice:
            self._notices.keep(visit, notice)
        base = f"/visits/{visit.id}"
        to = form.get("to", base)
        inside = to == base or to.startswith((f"{base}/", f"{base}?", f"{base}#"))
        to = to if inside and to.isprintable() and to.isascii() else base
        # Where the app has come, not where it was asked for.
        return redirect(f"{to}#frame" if path == ["app"] and notice is None else to)


def _acts(request: Request) -> bool:
    """Whether it does something: writes, opens a chart or an app, or calls a server."""
    if request.method == "POST":
        return request.path.startswith(
            ("/visits/", "/settings", "/user", "/launcher", "/ehr", "/sim/")
        )
    match request.path.split("/")[1:]:
        case ["patients", _] | ["ehr"]:
            return True
        case ["launcher"]:
            return "launch_uri" in dict(request.query)
        case ["lint"]:
            return "url" in dict(request.query)
    return False


def _missing(reason: str) -> Answer:
    return page(
        "refused.html",
        404,
        heading="There is nothing to show here",
        reason=reason,
        next_step="Open a chart from the patient list.",
    )
