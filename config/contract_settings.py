"""The settings of one followed contract."""

from pydantic import Field, field_validator

from config.fields import Section
from domain.errors import InvalidValue
from domain.values import account_id, contract_id


class ContractSettings(Section):
    """One contract to follow."""

    id: str = Field(description="strkey of the contract, `C…`")
    profile: str = Field("paystream", min_length=1, description="how its events read")
    start_ledger: int | None = Field(
        None, ge=1, description="first ledger to read; default: the oldest one the RPC has"
    )

    authorities: tuple[str, ...] = Field(
        default=(), description="accounts and contracts that may pause all of it; none: not known"
    )

    @field_validator("authorities")
    @classmethod
    def _authorities_are_strkeys(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(account_id(text) for text in texts)
        except InvalidValue as error:
            raise ValueError(error.fix) from error

    @field_validator("id")
    @classmethod
    def _id_is_a_strkey(cls, text: str) -> str:
        try:
            return contract_id(text)
        except InvalidValue as error:
            raise ValueError(error.fix) from error
