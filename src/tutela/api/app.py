"""The platform's API as one ASGI application. Other faces may be mounted below it at `/`."""

from tutela.api import asking, faults, law, looking_up, state, submitting
from tutela.api.pacing import Pacing
from tutela.api.parts import ApiParts
from tutela.api.serving import HEADERS, Api, close_off, include_direct

__all__ = ["HEADERS", "Api", "build"]


def build(parts: ApiParts) -> Api:
    """The API on `parts`. No page of it loads anything from anywhere; there is no Swagger UI."""
    app = Api(
        title="Tutela API",
        summary="Hand in media, look up hashes, follow cases, ask the law",
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # the address of such an answer would repeat the Host header
    )
    app.by_hand = (*app.by_hand, *law.BODIES)
    faults.install(app)
    pacing = Pacing(per_minute=parts.requests_per_minute)
    app.include_router(submitting.router(parts, pacing))
    include_direct(app, looking_up.router(parts.lookup, pacing))
    app.include_router(asking.router(parts, pacing))
    app.include_router(law.router(parts, pacing))
    app.include_router(state.router(parts.lookup))
    close_off(app)
    return app
