"""The feature families; the order of the imports is the order of the columns."""

from features.families import (  # noqa: I001 - the catalogue's order is meant
    recency as recency,
    frequency as frequency,
    monetary as monetary,
    tenure as tenure,
    rhythm as rhythm,
    pace as pace,
    signs as signs,
    decay as decay,
    trend as trend,
    basket as basket,
    discount as discount,
    returns as returns,
    site as site,
    email as email,
    service as service,
    touch as touch,
    season as season,
    btyd as btyd,
)
