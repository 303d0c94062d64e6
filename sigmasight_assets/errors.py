"""The exception vocabulary. Row-level trouble is data (`status`, `reason`); these are for what stops a call."""


class SigmaSightError(Exception):
    """Base of every error that a person can act on; its message is one readable paragraph."""


class InvalidSymbol(SigmaSightError):
    """A text is not a security symbol that this project can hold."""


class InvalidFile(SigmaSightError):
    """A file was refused; `problems` lists every fault with its place."""


class NotASession(SigmaSightError):
    """A date is not a trading session of the exchange calendar, or is outside it."""


class SessionNotClosed(SigmaSightError):
    """A session's market data are asked for before its close."""


class LedgerRefused(SigmaSightError):
    """A change to the books of record is refused; the message says what to do instead."""


class LedgerConflict(LedgerRefused):
    """A change contradicts what the books hold already: a name that is taken, a second mark of one date."""


class NotFound(SigmaSightError):
    """A named thing does not exist for this caller."""


class NotMaterialized(SigmaSightError):
    """Rows that a read needs have not been computed; the message names the command that would."""


class DatabaseUnavailable(SigmaSightError):
    """The database cannot be reached, is at another revision, is locked, full or read-only."""


class GateFailed(SigmaSightError):
    """A frame breaks its table's schema: the whole run is wrong and nothing was written."""


class ProviderError(SigmaSightError):
    """A market-data source could not answer at all; what it answers in part is said in its answer."""


class InvalidData(ProviderError):
    """Market data were refused as a whole; the message lists the faults with their places."""
