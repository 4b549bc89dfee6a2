"""The peer, HealthChain 0.16.1: the same card by its own documented means.

Runs in an environment of its own, with uvicorn as `pip install healthchain` brings it.
"""

from __future__ import annotations

from healthchain.gateway import CDSHooksService, HealthChainAPI
from healthchain.models import Card, CDSRequest, CDSResponse
from healthchain.models.responses.cdsresponse import Source

service = CDSHooksService()


@service.hook("patient-view", id="condition-count", title="Count", description="Counts.")
def condition_count(request: CDSRequest) -> CDSResponse:
    entries = (request.prefetch or {})["conditions"].get("entry", ())
    number = sum(entry["resource"]["resourceType"] == "Condition" for entry in entries)
    summary = f"{number} conditions in the prefetch"
    return CDSResponse(
        cards=[Card(summary=summary, indicator="info", source=Source(label="Benchmark"))]
    )


app = HealthChainAPI()
app.register_service(service)
