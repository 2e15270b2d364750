"""The simulated network beside the roles: what `up` runs in development, and `demo` always.

It is loaded where there is one: outside of development no command needs it.
"""

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import SecretStr

from cli.wiring import Deployment
from config.contract_settings import ContractSettings
from config.settings import Settings
from config.web_auth_settings import WebAuthSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.network import SimulatedNetwork
    from simulator.options import SimulatorOptions


def options_of(settings: Settings, *, events: int | None = None) -> "SimulatorOptions":
    """The simulator's options as the settings have them."""
    from api.routes.preview import PREVIEW_PATH
    from simulator.options import SimulatorOptions

    simulator = settings.simulator
    return SimulatorOptions(
        state_dir=simulator.state_dir,
        rpc_port=simulator.rpc_port,
        web_port=simulator.web_port,
        smtp_port=simulator.smtp_port,
        streams=simulator.streams,
        seed=simulator.seed,
        ledger_seconds=simulator.ledger_seconds,
        scenario=simulator.scenario,
        events=events,
        passphrase=settings.network.passphrase,
        words_url=f"http://{settings.api.host}:{settings.api.port}{PREVIEW_PATH}",
    )


@contextmanager
def beside(
    here: Deployment, options: "SimulatorOptions"
) -> "Iterator[tuple[Deployment, SimulatedNetwork]]":
    """Run the simulated network, and give a deployment that follows it and sends to its catchers."""
    from simulator.network import running

    with running(options) as network:
        yield replace(here, loaded=replace(here.loaded, settings=_pointed(here, network))), network


def as_followed(here: Deployment) -> Deployment:
    """The deployment as its indexer has it: in development it follows the network that `up` runs."""
    if not here.settings.simulator.enabled:
        return here
    from simulator.network import SimulatedNetwork

    network = SimulatedNetwork(options_of(here.settings))
    network.rpc_url = f"http://{network.options.host}:{network.options.rpc_port}"
    network.web_url = f"http://{network.options.host}:{network.options.web_port}"
    return replace(here, loaded=replace(here.loaded, settings=_pointed(here, network)))


def called_back(here: Deployment) -> Deployment:
    """The deployment whose own API the catchers call back, unless the settings name another place."""
    settings = here.settings
    if settings.callbacks.base_url is not None:
        return here
    base_url = f"http://{settings.api.host}:{settings.api.port}"
    callbacks = settings.callbacks.model_copy(update={"base_url": base_url})
    changed = settings.model_copy(update={"callbacks": callbacks})
    return replace(here, loaded=replace(here.loaded, settings=changed))


def _pointed(here: Deployment, network: "SimulatedNetwork") -> Settings:
    from simulator.web_auth import server_keypair, web_auth_contract

    settings = here.settings
    contract = ContractSettings(
        id=network.contract_id,
        profile="paystream",
        start_ledger=network.first_ledger,
        authorities=(network.cast.admin,),
    )
    return settings.model_copy(
        update={
            "network": settings.network.model_copy(
                update={
                    "rpc_urls": (SecretStr(network.rpc_url),),
                    "contracts": (contract,),
                }
            ),
            "reconcile": settings.reconcile.model_copy(
                # the contract's storage would tell what the story of a gap is meant to lack
                update={"heal": settings.reconcile.heal and network.options.scenario != "gap"}
            ),
            "email": settings.email.model_copy(update={"port": network.smtp_port}),
            "sms": settings.sms.model_copy(update={"base_url": network.web_url}),
            "push": settings.push.model_copy(update={"ntfy_url": network.web_url}),
            "web_auth": WebAuthSettings(
                contract_id=web_auth_contract(network.options.seed),
                signing_key=SecretStr(server_keypair(network.options.seed).secret),
            ),
        }
    )
