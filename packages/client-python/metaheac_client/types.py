# Generated from openapi.yaml by scripts/client-python.mjs: do not edit.
"""Bodies of requests and responses."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal, Mapping, Sequence, TypedDict

if sys.version_info >= (3, 11):
    from typing import NotRequired
elif TYPE_CHECKING:
    from typing_extensions import NotRequired


class CampaignCreateSeedsItem(TypedDict):
    user_id: str
    weight: NotRequired[float]
    """How much the seed counts compared with other seeds; 1 by default."""


class CampaignCreateFiltersValue(TypedDict):
    min: NotRequired[float]
    """Smallest number that matches; none by default."""
    max: NotRequired[float]
    """Largest number that matches; none by default."""


class CampaignCreateAudienceSize(TypedDict):
    size: int
    """Number of users in the audience. If there are fewer candidates, all of them are selected."""


class CampaignCreateAudiencePercent(TypedDict):
    percent: float
    """Size of the audience as a percentage of the population, including seeds; rounded up to whole users."""


class CampaignCreateCutsItemFromSize(TypedDict):
    name: str
    from_size: int
    """The cut begins after an audience of this size."""
    to_size: int
    """The cut ends with an audience of this size, which must be above `from_size`."""


class CampaignCreateCutsItemFromPercent(TypedDict):
    name: str
    from_percent: float
    """Like `from_size`, as a percentage of the population."""
    to_percent: float
    """Like `to_size`, as a percentage of the population."""


class CampaignCreateRefresh(TypedDict):
    """Triggers of automatic expansions."""
    every: NotRequired[str | None]
    """Time from the creation of an expansion to the creation of the next expansion; `null` for no interval."""
    on_new_population: NotRequired[bool]
    """Whether to expand the campaign again when another population version is served."""
    on_change: NotRequired[bool]
    """Whether to expand the campaign again within seconds of a change to its features, filters, seeds, negatives or
    suppression lists (including the global list). Needed if users who opt out must leave audiences automatically.
    """


class CampaignCreate(TypedDict):
    external_id: NotRequired[str]
    """Your own id for the campaign, which must be unique. If the model was trained on a past campaign with this id,
    the past membership of users is hidden from the model, because otherwise the model would find the same users
    again instead of similar users.
    """
    name: str
    features: NotRequired[Mapping[str, str | float | Sequence[str] | Sequence[float]]]
    """The model's campaign features by name: a string, a list of strings for a multi-valued feature, a number, or a
    list of numbers for a vector.
    """
    seeds: Sequence[str | CampaignCreateSeedsItem] | None
    """Seeds: user ids, or objects with `user_id` and `weight`. If `null`, no expansion is started: upload the seeds
    with `PUT …/seeds` (as a file, which may contain millions of ids), then call `POST …/expansions`.
    """
    seeds_consent_basis: NotRequired[Literal["consent", "legitimate_interest", "contract", "legal_obligation"]]
    """Legal basis for processing the seeds, like `consent_basis` of `PUT …/seeds`."""
    labels: NotRequired[Mapping[str, str]]
    """Your own labels for the campaign: a string for each key."""
    filters: NotRequired[Mapping[str, Sequence[str] | CampaignCreateFiltersValue]]
    """One condition per user feature: a list of tokens, or the range of a number (`min`, `max`, both inclusive). A
    user matches a condition by having at least one of the tokens, or a number in the range. Only users who match
    all conditions are ranked. Seeds need not match. The features and tokens must be in the population (`GET
    /v1/populations/current`).
    """
    audience: CampaignCreateAudienceSize | CampaignCreateAudiencePercent
    """Size of the audience: either `size` or `percent`."""
    negative_weight: NotRequired[float]
    """Weight of an explicit negative (a user in `…/negatives` or who dismissed the campaign) in the adaptation,
    compared with a sampled negative.
    """
    category: NotRequired[Literal["housing", "employment", "credit", "political", "minors"] | None]
    """The special category of the campaign. The audience is computed without the user features and the past
    campaigns that the population labels for this category; `null` for none.
    """
    four_fifths: NotRequired[str | None]
    """A single-valued user feature, such as gender; `null` for none. The ranking is changed so that in every
    audience, and in every cut that begins at the first rank, no group of this feature is selected at less than 80
    % of the rate of another group; within a group, the order stays the same. Scores then only reflect this order.
    `quality.four_fifths` shows the price.
    """
    holdout_percent: NotRequired[float]
    """Percentage of the audience that is held out, to measure the effect of the campaign (`GET …/lift`); 0 for none.
    Users are drawn at random with a secret key of the campaign and stay held out in later versions and other
    sizes. They are omitted from pages, exports and differences, and look-ups report them as non-members.
    """
    cuts: NotRequired[Sequence[CampaignCreateCutsItemFromSize | CampaignCreateCutsItemFromPercent]]
    """Named parts of the ranking that are served in addition to the audience, such as the second percent of the
    population. Pages, exports, differences and look-ups read one with `cut=NAME`. Cuts may overlap each other and
    extend beyond the audience.
    """
    refresh: NotRequired[CampaignCreateRefresh]
    """Triggers of automatic expansions."""


class CampaignUpdateFiltersValue(TypedDict):
    min: NotRequired[float]
    """Smallest number that matches; none by default."""
    max: NotRequired[float]
    """Largest number that matches; none by default."""


class CampaignUpdateAudienceSize(TypedDict):
    size: int
    """Number of users in the audience. If there are fewer candidates, all of them are selected."""


class CampaignUpdateAudiencePercent(TypedDict):
    percent: float
    """Size of the audience as a percentage of the population, including seeds; rounded up to whole users."""


class CampaignUpdateCutsItemFromSize(TypedDict):
    name: str
    from_size: int
    """The cut begins after an audience of this size."""
    to_size: int
    """The cut ends with an audience of this size, which must be above `from_size`."""


class CampaignUpdateCutsItemFromPercent(TypedDict):
    name: str
    from_percent: float
    """Like `from_size`, as a percentage of the population."""
    to_percent: float
    """Like `to_size`, as a percentage of the population."""


class CampaignUpdateRefresh(TypedDict):
    """Triggers of automatic expansions. Fields that are not given stay as they are."""
    every: NotRequired[str | None]
    """Time from the creation of an expansion to the creation of the next expansion; `null` for no interval."""
    on_new_population: NotRequired[bool]
    """Whether to expand the campaign again when another population version is served."""
    on_change: NotRequired[bool]
    """Whether to expand the campaign again within seconds of a change to its features, filters, seeds, negatives or
    suppression lists (including the global list). Needed if users who opt out must leave audiences automatically.
    """


class CampaignUpdate(TypedDict):
    external_id: NotRequired[str | None]
    """Your own id for the campaign, which must be unique; `null` removes it."""
    name: NotRequired[str]
    labels: NotRequired[Mapping[str, str]]
    """Your own labels for the campaign: a string for each key."""
    features: NotRequired[Mapping[str, str | float | Sequence[str] | Sequence[float]]]
    """The model's campaign features by name: a string, a list of strings for a multi-valued feature, a number, or a
    list of numbers for a vector.
    """
    filters: NotRequired[Mapping[str, Sequence[str] | CampaignUpdateFiltersValue]]
    """One condition per user feature: a list of tokens, or the range of a number (`min`, `max`, both inclusive). A
    user matches a condition by having at least one of the tokens, or a number in the range. Only users who match
    all conditions are ranked. Seeds need not match. The features and tokens must be in the population (`GET
    /v1/populations/current`).
    """
    audience: NotRequired[CampaignUpdateAudienceSize | CampaignUpdateAudiencePercent]
    """Size of the audience: either `size` or `percent`."""
    negative_weight: NotRequired[float]
    """Weight of an explicit negative (a user in `…/negatives` or who dismissed the campaign) in the adaptation,
    compared with a sampled negative.
    """
    category: NotRequired[Literal["housing", "employment", "credit", "political", "minors"] | None]
    """The special category of the campaign. The audience is computed without the user features and the past
    campaigns that the population labels for this category; `null` for none.
    """
    four_fifths: NotRequired[str | None]
    """A single-valued user feature, such as gender; `null` for none. The ranking is changed so that in every
    audience, and in every cut that begins at the first rank, no group of this feature is selected at less than 80
    % of the rate of another group; within a group, the order stays the same. Scores then only reflect this order.
    `quality.four_fifths` shows the price.
    """
    holdout_percent: NotRequired[float]
    """Percentage of the audience that is held out, to measure the effect of the campaign (`GET …/lift`); 0 for none.
    Users are drawn at random with a secret key of the campaign and stay held out in later versions and other
    sizes. They are omitted from pages, exports and differences, and look-ups report them as non-members.
    """
    cuts: NotRequired[Sequence[CampaignUpdateCutsItemFromSize | CampaignUpdateCutsItemFromPercent]]
    """Named parts of the ranking that are served in addition to the audience, such as the second percent of the
    population. Pages, exports, differences and look-ups read one with `cut=NAME`. Cuts may overlap each other and
    extend beyond the audience.
    """
    refresh: NotRequired[CampaignUpdateRefresh]
    """Triggers of automatic expansions. Fields that are not given stay as they are."""


class CampaignStatusRequest(TypedDict):
    ids: NotRequired[Sequence[str]]
    """Ids of campaigns. Either this field or `external_ids` is required."""
    external_ids: NotRequired[Sequence[str]]
    """External ids of campaigns."""


class FeedbackEventsEventsItem(TypedDict):
    user_id: str
    """Id of a user, 1 to 256 bytes."""
    event: Literal["conversion", "click", "dismissal"]
    """What the user did. A conversion or click makes the user a seed of the next expansion; a dismissal makes the
    user a negative.
    """
    time: NotRequired[str]
    """Time of the event (RFC 3339), not in the future; by default the current time. Only the latest event of a user
    counts.
    """


class FeedbackEvents(TypedDict):
    """Feedback events as NDJSON, one event per line."""
    events: Sequence[FeedbackEventsEventsItem]
    """Events in any order."""


class ConversionsCreateConversionsItem(TypedDict):
    user_id: str
    """Id of a user, 1 to 256 bytes."""
    time: str
    """Time of the conversion (RFC 3339), not in the future. A user has one conversion per time, so sending it again
    changes nothing.
    """
    value: NotRequired[float]
    """What the conversion is worth, in your own unit; 0 by default."""


class ConversionsCreate(TypedDict):
    """Conversions as NDJSON, one conversion per line."""
    conversions: Sequence[ConversionsCreateConversionsItem]
    """Conversions in any order."""


class EstimateCreateSeedsItemUserId(TypedDict):
    user_id: str
    weight: NotRequired[float]
    """How much the seed counts compared with other seeds; 1 by default."""
    features: NotRequired[Mapping[str, Any] | None]
    """User features by name, for a user who may be outside the population; `null` for none."""


class EstimateCreateSeedsItemFeatures(TypedDict):
    user_id: NotRequired[str]
    weight: NotRequired[float]
    """How much the seed counts compared with other seeds; 1 by default."""
    features: Mapping[str, Any] | None
    """User features by name, for a user who may be outside the population; `null` for none."""


class EstimateCreateFiltersValue(TypedDict):
    min: NotRequired[float]
    """Smallest number that matches; none by default."""
    max: NotRequired[float]
    """Largest number that matches; none by default."""


class EstimateCreate(TypedDict):
    features: NotRequired[Mapping[str, str | float | Sequence[str] | Sequence[float]]]
    """The model's campaign features by name: a string, a list of strings for a multi-valued feature, a number, or a
    list of numbers for a vector.
    """
    seeds: Sequence[str | EstimateCreateSeedsItemUserId | EstimateCreateSeedsItemFeatures]
    """Seeds: user ids, or objects with a user id and a weight, as in a campaign. For a user who may not be in the
    population, `features` is an object with all features of the user by name, as in an upload of seeds; `user_id`
    may then be absent.
    """
    negatives: NotRequired[Sequence[str]]
    """Ids of users who are known not to like the campaign, as in `…/negatives`. A user who is also a seed counts as
    a negative.
    """
    negative_weight: NotRequired[float]
    """Weight of an explicit negative (a user in `…/negatives` or who dismissed the campaign) in the adaptation,
    compared with a sampled negative.
    """
    filters: NotRequired[Mapping[str, Sequence[str] | EstimateCreateFiltersValue]]
    """One condition per user feature: a list of tokens, or the range of a number (`min`, `max`, both inclusive). A
    user matches a condition by having at least one of the tokens, or a number in the range. Only users who match
    all conditions are ranked. Seeds need not match. The features and tokens must be in the population (`GET
    /v1/populations/current`).
    """
    category: NotRequired[Literal["housing", "employment", "credit", "political", "minors"] | None]
    """The special category of the campaign. The audience is computed without the user features and the past
    campaigns that the population labels for this category; `null` for none.
    """
    suppression: NotRequired[Sequence[str]]
    """Ids of users who are neither used as seeds nor included in the audience, like users on the global suppression
    list.
    """


class AudiencePageItem(TypedDict):
    rank: int
    """Rank of the user, starting at 1 for the best."""
    user_id: str
    score: float
    """Score of the user, which is comparable only with scores from the same expansion."""
    percentile: float
    """Percentage of the candidates who are ranked at or below this user; 100 for the best user."""


class AudienceActivate(TypedDict):
    version: int
    """An existing audience version."""


class MembershipBatchGet(TypedDict):
    user_ids: Sequence[str]
    """User ids to look up, which may contain repetitions."""
    cut: NotRequired[str]
    """Name of a cut of the version, to read instead of the audience."""


class UserAudiencesItem(TypedDict):
    campaign_id: str
    version: int
    """Number of the audience version."""
    rank: int
    """Rank of the user, starting at 1 for the best."""
    score: float
    """Score of the user, which is comparable only with scores from the same expansion."""
    percentile: float
    """Percentage of the candidates who are ranked at or below this user; 100 for the best user."""
    cuts: list[str]
    """Names of the cuts of the version that contain the user."""


class SeedListUserIdsItem(TypedDict):
    user_id: str
    weight: NotRequired[float]
    """How much the seed counts compared with other seeds; 1 by default."""


class SeedList(TypedDict):
    user_ids: Sequence[str | SeedListUserIdsItem]
    """User ids, at most 100,000 in JSON."""


class UserIdList(TypedDict):
    user_ids: Sequence[str]
    """User ids, at most 100,000 in JSON."""


class SuppressedListUserIdsItem(TypedDict):
    user_id: str
    expires_at: NotRequired[str]


class SuppressedList(TypedDict):
    user_ids: Sequence[str | SuppressedListUserIdsItem]
    """User ids, at most 100,000 in JSON."""


class CountedValuePageItem(TypedDict):
    value: str
    """A value of the feature."""
    users: int
    """Number of users in the served version who have the value."""


class UserErase(TypedDict):
    user_id: str
    """Id of a user, 1 to 256 bytes."""


class DeletionRequest(TypedDict):
    rqJWT: str
    """The signed request: a JWT with the field `orJWT` (or `idJWT`)."""


class WebhookCreate(TypedDict):
    url: str
    """URL to which events are sent with POST. An https URL of a public host, without user info; the operator may
    allow other hosts.
    """
    events: NotRequired[Sequence[Literal[
        "campaign.ready",
        "campaign.failed",
        "campaign.too_small",
        "campaign.refreshed",
        "campaign.resized",
        "campaign.activated",
        "campaign.deleted",
        "suppression.expired",
    ]]]
    """Types of the events that the webhook receives."""
    description: NotRequired[str]
    """A description for people."""


class WebhookUpdate(TypedDict):
    url: NotRequired[str]
    """URL to which events are sent with POST. An https URL of a public host, without user info; the operator may
    allow other hosts.
    """
    events: NotRequired[Sequence[Literal[
        "campaign.ready",
        "campaign.failed",
        "campaign.too_small",
        "campaign.refreshed",
        "campaign.resized",
        "campaign.activated",
        "campaign.deleted",
        "suppression.expired",
    ]]]
    """Types of the events that the webhook receives."""
    description: NotRequired[str]
    """A description for people."""
    enabled: NotRequired[bool]
    """Whether the webhook is enabled. When a webhook is enabled again, pending deliveries are sent."""


class WebhookSecretRotate(TypedDict):
    grace_seconds: NotRequired[int]
    """Seconds for which previous secrets keep signing together with the new secret. Use 0 if a previous secret has
    leaked.
    """


class DestinationCreateFolder(TypedDict):
    kind: Literal["folder"]
    """A folder below the root."""
    path: str
    """Folder below the root that the operator has set (`METAHEAC_DESTINATIONS_ROOT`)."""
    name: str
    """Name for people; it need not be unique."""
    format: NotRequired[Literal["csv", "csv.gz", "parquet"]]
    """Format of the files."""
    mode: NotRequired[Literal["full", "deltas"]]
    """`full`: each version contains all members. `deltas`: a version contains the users removed and added since the
    previous version if the destination has that version, otherwise all members.
    """
    labels: NotRequired[Mapping[str, str]]
    """Only campaigns with all of these labels are delivered. Without labels, all campaigns are."""
    cut: NotRequired[str | None]
    """Name of the cut to deliver; `null` for the audience. Versions without this cut are not delivered."""
    identifier: NotRequired[str | None]
    """Type and rule of the identifiers to deliver instead of user ids, such as `email:uid2`. If a user has several,
    the lowest hash is delivered. Users without one are left out and counted in the manifest. `null` for user ids.
    """


class DestinationCreateS3(TypedDict):
    kind: Literal["s3"]
    """A bucket of AWS S3 or of an S3-compatible server."""
    bucket: str
    """Bucket of AWS S3 or of an S3-compatible server."""
    prefix: NotRequired[str]
    """Prefix of the key of every object."""
    endpoint: NotRequired[str | None]
    """Base URL of an S3-compatible server other than AWS: https, or http if the operator allows the host. `null` for
    AWS.
    """
    region: NotRequired[str | None]
    """Region of the bucket; `null` for the region in the service's AWS settings."""
    profile: NotRequired[str | None]
    """Profile in the service's AWS credential files; `null` for the service's own credentials."""
    name: str
    """Name for people; it need not be unique."""
    format: NotRequired[Literal["csv", "csv.gz", "parquet"]]
    """Format of the files."""
    mode: NotRequired[Literal["full", "deltas"]]
    """`full`: each version contains all members. `deltas`: a version contains the users removed and added since the
    previous version if the destination has that version, otherwise all members.
    """
    labels: NotRequired[Mapping[str, str]]
    """Only campaigns with all of these labels are delivered. Without labels, all campaigns are."""
    cut: NotRequired[str | None]
    """Name of the cut to deliver; `null` for the audience. Versions without this cut are not delivered."""
    identifier: NotRequired[str | None]
    """Type and rule of the identifiers to deliver instead of user ids, such as `email:uid2`. If a user has several,
    the lowest hash is delivered. Users without one are left out and counted in the manifest. `null` for user ids.
    """


class DestinationUpdate(TypedDict):
    name: NotRequired[str]
    """Name for people; it need not be unique."""
    format: NotRequired[Literal["csv", "csv.gz", "parquet"]]
    """Format of the files."""
    mode: NotRequired[Literal["full", "deltas"]]
    """`full`: each version contains all members. `deltas`: a version contains the users removed and added since the
    previous version if the destination has that version, otherwise all members.
    """
    labels: NotRequired[Mapping[str, str]]
    """Only campaigns with all of these labels are delivered. Without labels, all campaigns are."""
    cut: NotRequired[str | None]
    """Name of the cut to deliver; `null` for the audience. Versions without this cut are not delivered."""
    identifier: NotRequired[str | None]
    """Type and rule of the identifiers to deliver instead of user ids, such as `email:uid2`. If a user has several,
    the lowest hash is delivered. Users without one are left out and counted in the manifest. `null` for user ids.
    """
    paused: NotRequired[bool]
    """Whether deliveries wait until the destination is resumed. They fail after a day."""


class KeyCreate(TypedDict):
    name: str
    """Who or what uses the key."""
    scope: Literal["read", "write", "admin"]
    """What the key may do: `read`; `write`, which can also create and change; or `admin`, which can also manage
    keys, read the audit log, erase users and change the served versions.
    """
    labels: NotRequired[Mapping[str, str]]
    """Labels of the key. A key with labels sees only campaigns that have all of these labels, and cannot call routes
    that concern all campaigns (webhooks, changes, the global suppression list, the audiences of a user).
    """
    expires_at: NotRequired[str]
    """Time at which the key expires. By default, the key never expires."""


AudienceDiff = TypedDict(
    "AudienceDiff",
    {
        "from": "int",
        "to": "int",
        "added": "int",
        "removed": "int",
        "kept": "int",
    },
)


class AudienceOverlap(TypedDict):
    exact: bool
    """Whether all numbers are exact: false for a key of scope `read`."""
    audience: ComparedAudience
    other: ComparedAudience
    both: Bounds
    """Number of users in both audiences."""
    either: Bounds
    """Number of users in at least one of the audiences."""
    jaccard: Bounds
    """`both` divided by `either`: 0 if the audiences share no users, 1 if they are equal."""


class AudiencePage(TypedDict):
    """A page of the members, best first."""
    items: list[AudiencePageItem]
    next_cursor: str | None
    """Cursor of the next page; `null` on the last page."""
    size: int
    """Number of users in the requested audience, including users who are held out."""
    candidates: int
    """Number of users in the ranking, which is the maximum size of an audience."""
    version: int
    """The audience version to which the cursor belongs."""


class AudienceVersionCutsItem(TypedDict):
    name: str
    from_size: int
    """Rank after which the cut begins."""
    to_size: int
    """Last rank of the cut."""
    size: int
    """Number of users in the cut, including users who are held out."""


class AudienceVersion(TypedDict):
    campaign_id: str
    version: int
    """Number of the audience version."""
    active: bool
    """Whether this audience version is active, which means that it is served."""
    size: int
    """Number of users in the audience, including users who are held out."""
    holdout_percent: float
    """Percentage of the audience that is held out; 0 for none."""
    cuts: list[AudienceVersionCutsItem]
    """The named cuts of this version."""
    candidates: int
    """Number of users in the ranking, which is the maximum size of an audience."""
    population_size: int
    """Number of users in the population version. Percentages refer to this number."""
    population_version: str
    expansion_id: str
    """The expansion that ranked the users. Versions from the same expansion are cuts of the same ranking."""
    cause: Literal["created", "requested", "interval", "population", "change", "resize"]
    """The cause of the expansion that created the version, or `resize` if a caller changed the size, hold-out or
    cuts of the version before.
    """
    changed: list[Literal[
        "features",
        "filters",
        "seeds",
        "feedback",
        "negatives",
        "negative_weight",
        "category",
        "four_fifths",
        "suppression",
        "common_suppression",
        "population",
        "model",
        "size",
        "holdout_percent",
        "cuts",
    ]] | None
    created_at: str


class AudienceVersionPage(TypedDict):
    """A page of items, newest first."""
    items: list[AudienceVersion]
    next_cursor: str | None
    """Cursor of the next page; `null` on the last page."""


class Bounds(TypedDict):
    """A value between two bounds, both inclusive. Equal bounds are the exact value."""
    min: float
    """Lower bound."""
    max: float
    """Upper bound."""


class Caller(TypedDict):
    actor: str
    """The caller's name in the audit log: the id of a key, `admin` for the key from the settings, or `anonymous` if
    no key is required.
    """
    scope: Literal["read", "write", "admin"]
    """What the key may do: `read`; `write`, which can also create and change; or `admin`, which can also manage
    keys, read the audit log, erase users and change the served versions.
    """
    labels: dict[str, str]
    """Labels of the key. A key with labels sees only campaigns that have all of these labels, and cannot call routes
    that concern all campaigns (webhooks, changes, the global suppression list, the audiences of a user).
    """
    key: Key | None
    """The caller's key; `null` if the caller has no key or uses the key from the settings."""


class CampaignReason(TypedDict):
    code: str
    """Stable code of the reason."""
    message: str


class CampaignFiltersValue(TypedDict):
    min: NotRequired[float]
    """Smallest number that matches; none by default."""
    max: NotRequired[float]
    """Largest number that matches; none by default."""


class CampaignSeeds(TypedDict):
    """Counts of the seeds: received = known + unknown + outside + duplicate."""
    received: int
    """Number of ids sent, including repeated ones."""
    known: int
    """Number of distinct ids that are in the population."""
    unknown: int
    """Number of distinct ids that are not in the population."""
    duplicate: int
    """Number of ids that repeat an earlier id."""
    unknown_examples: list[str]
    """Up to 10 unknown ids."""
    outside: NotRequired[int]
    """Number of users who are not in the population but were sent with `features`. The model learns from them; they
    are never ranked. Only present if there are any.
    """


class CampaignExcluded(TypedDict):
    seeds: int
    """Number of seeds."""
    suppressed: int
    """Number of users who are on a suppression list or were erased."""
    filtered: int
    """Number of users who do not match the filters."""


class CampaignFeatureCounts(TypedDict):
    unknown: int
    """Number of values that the model does not know."""
    missing: int
    """Number of model features for which no value was given."""


class CampaignAudienceSize(TypedDict):
    size: int
    """Number of users in the audience. If there are fewer candidates, all of them are selected."""


class CampaignAudiencePercent(TypedDict):
    percent: float
    """Size of the audience as a percentage of the population, including seeds; rounded up to whole users."""


class CampaignCutsItemFromSize(TypedDict):
    name: str
    from_size: int
    """The cut begins after an audience of this size."""
    to_size: int
    """The cut ends with an audience of this size, which must be above `from_size`."""


class CampaignCutsItemFromPercent(TypedDict):
    name: str
    from_percent: float
    """Like `from_size`, as a percentage of the population."""
    to_percent: float
    """Like `to_size`, as a percentage of the population."""


class CampaignRefresh(TypedDict):
    """Triggers of automatic expansions of the campaign."""
    every: str | None
    """Time from the creation of an expansion to the creation of the next expansion; `null` for no interval."""
    on_new_population: bool
    """Whether to expand the campaign again when another population version is served."""
    on_change: bool
    """Whether to expand the campaign again within seconds of a change to its features, filters, seeds, negatives or
    suppression lists (including the global list). Needed if users who opt out must leave audiences automatically.
    """


class Campaign(TypedDict):
    id: str
    external_id: str | None
    """Your own id for the campaign; `null` if none was given."""
    name: str
    labels: dict[str, str]
    """Your own labels for the campaign: text by key."""
    expansion_id: str | None
    """Id of the latest expansion; `null` before the first expansion."""
    state: Literal["queued", "adapting", "scoring", "ready", "too_small", "failed", "cancelled", "superseded"] | None
    """State of the latest expansion; `null` before the first expansion."""
    progress: float
    """Progress of the expansion from 0 to 1, which never decreases."""
    eta_seconds: float | None
    """Estimated time until the expansion ends, based on earlier expansions; `null` if the expansion has ended, is
    the first, or has very many expansions before it in the queue.
    """
    reason: CampaignReason | None
    """The reason for the state of the expansion, with the relevant numbers; `null` if the state needs none."""
    features: dict[str, str | float | list[str] | list[float]]
    """The campaign features by name."""
    filters: dict[str, list[str] | CampaignFiltersValue]
    """Conditions that users must match to be ranked, by user feature: a list of tokens, or the range of a number."""
    seeds: CampaignSeeds
    """Counts of the seeds: received = known + unknown + outside + duplicate."""
    excluded: CampaignExcluded | None
    """Numbers of users who are not ranked. Each user is counted under one reason. `null` until the users have been
    counted.
    """
    model_version: str | None
    """Version of the general model; `null` until the expansion begins."""
    population_version: str | None
    """Version of the population; `null` until the expansion begins."""
    timings: dict[str, float]
    """Duration of each stage of the expansion in seconds."""
    quality: Quality | None
    """The quality report of the expansion; `null` until it is `ready`."""
    feature_counts: CampaignFeatureCounts
    audience: CampaignAudienceSize | CampaignAudiencePercent
    """The requested size of the audience."""
    negative_weight: float
    """Weight of an explicit negative; a sampled negative has weight 1."""
    category: Literal["housing", "employment", "credit", "political", "minors"] | None
    """The special category of the campaign. The audience is computed without the user features and the past
    campaigns that the population labels for this category; `null` for none.
    """
    four_fifths: str | None
    """A single-valued user feature, such as gender; `null` for none. The ranking is changed so that in every
    audience, and in every cut that begins at the first rank, no group of this feature is selected at less than 80
    % of the rate of another group; within a group, the order stays the same. Scores then only reflect this order.
    `quality.four_fifths` shows the price.
    """
    holdout_percent: float
    """Percentage of the audience that is held out; 0 for none."""
    cuts: list[CampaignCutsItemFromSize | CampaignCutsItemFromPercent]
    """The named cuts of the campaign."""
    refresh: CampaignRefresh
    """Triggers of automatic expansions of the campaign."""
    needs_expansion: bool
    """Whether features, filters, seeds, negatives or suppression lists have changed since the active audience was
    computed, and no running expansion uses the changed inputs.
    """
    audience_version: int | None
    """The active audience version, which is served; `null` until the first version is ready."""
    size: int | None
    """Actual number of users in the audience, including users who are held out; at most `candidates`. `null` without
    an audience.
    """
    candidates: int | None
    """Number of users who can be selected: the population without the users in `excluded`; `null` without an
    audience.
    """
    created_at: str
    updated_at: str


class CampaignActivatedEventDataCutsItem(TypedDict):
    name: str
    from_size: int
    """Rank after which the cut begins."""
    to_size: int
    """Last rank of the cut."""
    size: int
    """Number of users in the cut, including users who are held out."""


class CampaignActivatedEventData(TypedDict):
    campaign_id: str
    external_id: str | None
    """Your own id for the campaign; `null` if none was given."""
    name: str
    audience_version: int
    """The audience version that is active after the event."""
    size: int
    """Number of users in the audience, including users who are held out."""
    cuts: list[CampaignActivatedEventDataCutsItem]
    """The named cuts of the version."""
    previous_version: int
    """The audience version that was active before the event."""
    changed: list[Literal[
        "features",
        "filters",
        "seeds",
        "feedback",
        "negatives",
        "negative_weight",
        "category",
        "four_fifths",
        "suppression",
        "common_suppression",
        "population",
        "model",
        "size",
        "holdout_percent",
        "cuts",
    ]]
    """What differs from the version that was active before: inputs of the ranking (`common_suppression` is the
    global suppression list), the size, the hold-out, the cuts. `null` if no version was active before, or if the
    campaign was deleted.
    """


class CampaignActivatedEvent(TypedDict):
    type: Literal["campaign.activated"]
    timestamp: str
    """Time of the event."""
    data: CampaignActivatedEventData


class CampaignDeletedEventData(TypedDict):
    campaign_id: str
    external_id: str | None
    """Your own id for the campaign; `null` if none was given."""
    name: str
    audience_version: None
    size: None
    cuts: None
    previous_version: int | None
    """The audience version that was active before the event; `null` if there was no audience."""
    changed: None


class CampaignDeletedEvent(TypedDict):
    type: Literal["campaign.deleted"]
    timestamp: str
    """Time of the event."""
    data: CampaignDeletedEventData


class CampaignFailedEventDataReason(TypedDict):
    """The reason for the state of the expansion, with the relevant numbers."""
    code: str
    """Stable code of the reason."""
    message: str


class CampaignFailedEventData(TypedDict):
    campaign_id: str
    external_id: str | None
    """Your own id for the campaign; `null` if none was given."""
    name: str
    expansion_id: str
    cause: Literal["created", "requested", "interval", "population", "change"]
    """Cause of the expansion: the campaign's creation, a request, or a trigger of the refresh policy."""
    state: Literal["failed"]
    audience_version: None
    size: None
    cuts: None
    changed: None
    reason: CampaignFailedEventDataReason
    """The reason for the state of the expansion, with the relevant numbers."""


class CampaignFailedEvent(TypedDict):
    type: Literal["campaign.failed"]
    timestamp: str
    """Time of the event."""
    data: CampaignFailedEventData


class CampaignPage(TypedDict):
    """A page of items, newest first."""
    items: list[Campaign]
    next_cursor: str | None
    """Cursor of the next page; `null` on the last page."""


class CampaignReadyEventDataCutsItem(TypedDict):
    name: str
    from_size: int
    """Rank after which the cut begins."""
    to_size: int
    """Last rank of the cut."""
    size: int
    """Number of users in the cut, including users who are held out."""


class CampaignReadyEventData(TypedDict):
    campaign_id: str
    external_id: str | None
    """Your own id for the campaign; `null` if none was given."""
    name: str
    expansion_id: str
    cause: Literal["created", "requested", "interval", "population", "change"]
    """Cause of the expansion: the campaign's creation, a request, or a trigger of the refresh policy."""
    state: Literal["ready"]
    audience_version: int
    """The audience version that is active after the event."""
    size: int
    """Number of users in the audience, including users who are held out."""
    cuts: list[CampaignReadyEventDataCutsItem]
    """The named cuts of the version."""
    changed: None
    reason: None


class CampaignReadyEvent(TypedDict):
    type: Literal["campaign.ready"]
    timestamp: str
    """Time of the event."""
    data: CampaignReadyEventData


class CampaignRefreshedEventDataCutsItem(TypedDict):
    name: str
    from_size: int
    """Rank after which the cut begins."""
    to_size: int
    """Last rank of the cut."""
    size: int
    """Number of users in the cut, including users who are held out."""


class CampaignRefreshedEventData(TypedDict):
    campaign_id: str
    external_id: str | None
    """Your own id for the campaign; `null` if none was given."""
    name: str
    expansion_id: str
    cause: Literal["created", "requested", "interval", "population", "change"]
    """Cause of the expansion: the campaign's creation, a request, or a trigger of the refresh policy."""
    state: Literal["ready"]
    audience_version: int
    """The audience version that is active after the event."""
    size: int
    """Number of users in the audience, including users who are held out."""
    cuts: list[CampaignRefreshedEventDataCutsItem]
    """The named cuts of the version."""
    changed: list[Literal[
        "features",
        "filters",
        "seeds",
        "feedback",
        "negatives",
        "negative_weight",
        "category",
        "four_fifths",
        "suppression",
        "common_suppression",
        "population",
        "model",
        "size",
        "holdout_percent",
        "cuts",
    ]]
    """What differs from the version that was active before: inputs of the ranking (`common_suppression` is the
    global suppression list), the size, the hold-out, the cuts. `null` if no version was active before, or if the
    campaign was deleted.
    """
    reason: None


class CampaignRefreshedEvent(TypedDict):
    type: Literal["campaign.refreshed"]
    timestamp: str
    """Time of the event."""
    data: CampaignRefreshedEventData


class CampaignResizedEventDataCutsItem(TypedDict):
    name: str
    from_size: int
    """Rank after which the cut begins."""
    to_size: int
    """Last rank of the cut."""
    size: int
    """Number of users in the cut, including users who are held out."""


class CampaignResizedEventData(TypedDict):
    campaign_id: str
    external_id: str | None
    """Your own id for the campaign; `null` if none was given."""
    name: str
    audience_version: int
    """The audience version that is active after the event."""
    size: int
    """Number of users in the audience, including users who are held out."""
    cuts: list[CampaignResizedEventDataCutsItem]
    """The named cuts of the version."""
    previous_version: int
    """The audience version that was active before the event."""
    changed: list[Literal[
        "features",
        "filters",
        "seeds",
        "feedback",
        "negatives",
        "negative_weight",
        "category",
        "four_fifths",
        "suppression",
        "common_suppression",
        "population",
        "model",
        "size",
        "holdout_percent",
        "cuts",
    ]]
    """What differs from the version that was active before: inputs of the ranking (`common_suppression` is the
    global suppression list), the size, the hold-out, the cuts. `null` if no version was active before, or if the
    campaign was deleted.
    """


class CampaignResizedEvent(TypedDict):
    type: Literal["campaign.resized"]
    timestamp: str
    """Time of the event."""
    data: CampaignResizedEventData


class CampaignStatusReason(TypedDict):
    code: str
    """Stable code of the reason."""
    message: str


class CampaignStatus(TypedDict):
    id: str
    external_id: str | None
    """Your own id for the campaign; `null` if none was given."""
    state: Literal["queued", "adapting", "scoring", "ready", "too_small", "failed", "cancelled", "superseded"] | None
    """State of the latest expansion; `null` before the first expansion."""
    progress: float
    """Progress of the expansion from 0 to 1, which never decreases."""
    eta_seconds: float | None
    """Estimated time until the expansion ends, based on earlier expansions; `null` if the expansion has ended, is
    the first, or has very many expansions before it in the queue.
    """
    reason: CampaignStatusReason | None
    """The reason for the state of the expansion, with the relevant numbers; `null` if the state needs none."""
    audience_version: int | None
    """The active audience version; `null` before the first version."""
    size: int | None
    """Number of users in the active audience; `null` without one."""


class CampaignStatuses(TypedDict):
    items: list[CampaignStatus]
    """The campaigns that were found, in the order of the request."""
    not_found: list[str]
    """Ids in the request that no visible campaign has."""


class CampaignTooSmallEventDataReason(TypedDict):
    """The reason for the state of the expansion, with the relevant numbers."""
    code: str
    """Stable code of the reason."""
    message: str


class CampaignTooSmallEventData(TypedDict):
    campaign_id: str
    external_id: str | None
    """Your own id for the campaign; `null` if none was given."""
    name: str
    expansion_id: str
    cause: Literal["created", "requested", "interval", "population", "change"]
    """Cause of the expansion: the campaign's creation, a request, or a trigger of the refresh policy."""
    state: Literal["too_small"]
    audience_version: None
    size: None
    cuts: None
    changed: None
    reason: CampaignTooSmallEventDataReason
    """The reason for the state of the expansion, with the relevant numbers."""


class CampaignTooSmallEvent(TypedDict):
    type: Literal["campaign.too_small"]
    timestamp: str
    """Time of the event."""
    data: CampaignTooSmallEventData


class ChangesItemCutsItem(TypedDict):
    name: str
    from_size: int
    """Rank after which the cut begins."""
    to_size: int
    """Last rank of the cut."""
    size: int
    """Number of users in the cut, including users who are held out."""


class ChangesItem(TypedDict):
    campaign_id: str
    kind: Literal["activated", "deleted"]
    """Whether another version became active, or the campaign was deleted."""
    cause: Literal["created", "requested", "interval", "population", "change", "resize", "rollback", "deletion"]
    """Why: the cause of the expansion that created the version; `resize` if a caller changed the size, hold-out or
    cuts; `rollback` if a caller activated a retained version; `deletion` if a caller deleted the campaign.
    """
    changed: list[Literal[
        "features",
        "filters",
        "seeds",
        "feedback",
        "negatives",
        "negative_weight",
        "category",
        "four_fifths",
        "suppression",
        "common_suppression",
        "population",
        "model",
        "size",
        "holdout_percent",
        "cuts",
    ]] | None
    version: int | None
    """The audience version that became active; `null` if the campaign was deleted."""
    previous_version: int | None
    """The version that was active before; `null` if there was none."""
    size: int | None
    """Number of users in the audience, including users who are held out; `null` if there is none."""
    cuts: list[ChangesItemCutsItem] | None
    """The named cuts of the version; `null` if the campaign was deleted."""
    diff: str | None
    """URL of the difference from the previous version; `null` if there is none. After one of the two versions has
    been removed, the URL returns 404 `audience_not_found`.
    """
    changed_at: str


class Changes(TypedDict):
    """A page of items, oldest first."""
    items: list[ChangesItem]
    next_cursor: str
    """Cursor to send as `since` in the next call, even if there are no further changes yet."""
    has_more: bool
    """Whether there are more changes after this page."""


class Clock(TypedDict):
    state: Literal["settled", "new", "jumped"]
    """State of the machine's clock. `settled`: the clock is trusted. `new`: the machine has just started, and the
    service follows the clock. `jumped`: the clock jumped by more than an hour, and the service does not follow
    the clock. Data is deleted because of its age only if the clock is `settled`.
    """
    time: str
    """Time of the service."""
    ahead_seconds: float
    """Seconds by which the machine's clock is ahead of the service's time; negative if the clock is behind."""
    settles_in_seconds: float | None
    """Seconds until the machine's clock is trusted, unless the clock jumps again; `null` if the clock is already
    trusted.
    """
    jumps: int
    """Number of jumps of the machine's clock by more than an hour since the service started."""


class ComparedAudience(TypedDict):
    campaign_id: str
    version: int
    """Number of the audience version."""
    cut: str | None
    """Name of the cut; `null` for the whole audience."""
    from_size: int
    """Rank after which the compared users begin."""
    to_size: int
    """Last rank of the compared users."""
    users: Bounds
    """Number of users compared, without users who are held out."""


class ConversionReport(TypedDict):
    received: int
    """Number of conversions in the request."""
    recorded: int
    """Number of conversions that are new or have a different value than before."""


class CountedValuePage(TypedDict):
    """A page of known values. A page of search results may be short or empty even if another page follows."""
    items: list[CountedValuePageItem]
    next_cursor: str | None
    """Cursor of the next page; `null` on the last page."""


class CurrentModelFeaturesItem(TypedDict):
    name: str
    kind: Literal["single", "multi", "number", "vector"]
    """Kind of the feature; `multi` means a list of values."""
    max_length: int | None
    """Maximum number of values that the model reads from a list. Further values are ignored. `null` for a
    single-valued feature.
    """
    known_values: int
    """Number of values that the model knows. Other values count as unknown."""
    values: str
    """URL of the list of known values."""


class CurrentModelAdaptation(TypedDict):
    optimiser: str
    """`adam` or `gradient_descent`."""
    negatives_per_seed: float
    """Number of users sampled as negatives per seed."""
    summary: str
    """A sentence that describes how the model is adapted to a campaign."""


class CurrentModelEvaluationGroupsValueAuc(TypedDict):
    """A mean with its 95 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class CurrentModelEvaluationGroupsValuePrecisionValue(TypedDict):
    """A mean with its 95 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class CurrentModelEvaluationGroupsValueRecallValue(TypedDict):
    """A mean with its 95 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class CurrentModelEvaluationGroupsValueLiftValue(TypedDict):
    """A mean with its 95 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class CurrentModelEvaluationGroupsValue(TypedDict):
    campaigns: int
    """Number of campaigns in the group."""
    auc: CurrentModelEvaluationGroupsValueAuc
    """A mean with its 95 % interval."""
    precision: dict[str, CurrentModelEvaluationGroupsValuePrecisionValue]
    """Share of the audience that are members of the campaign."""
    recall: dict[str, CurrentModelEvaluationGroupsValueRecallValue]
    """Share of the members of the campaign that the audience contains."""
    lift: dict[str, CurrentModelEvaluationGroupsValueLiftValue]
    """Members in the audience, relative to a random audience of the same size."""


class CurrentModelEvaluation(TypedDict):
    data: str
    """Name of the data set."""
    campaigns: str
    """The campaigns on which the model was measured."""
    groups: dict[str, CurrentModelEvaluationGroupsValue]


class CurrentModel(TypedDict):
    name: str
    version: str
    created_at: str
    minimum_seeds: int
    """Number of known seeds that an expansion needs."""
    features: list[CurrentModelFeaturesItem]
    """The features that a campaign's `features` may contain."""
    adaptation: CurrentModelAdaptation
    evaluation: CurrentModelEvaluation | None
    """Quality of the model on campaigns that it was not trained on, by group; `null` if the quality was not
    measured.
    """


class CurrentPopulationIdentifiersItem(TypedDict):
    type: str
    """Type of the identifiers, such as `email`."""
    rule: Literal["adcp", "meta", "uid2", "google", "liveramp-sha256", "liveramp-md5", "liveramp-sha1", "sha256"]
    """Rule by which the identifiers are normalised and hashed."""
    count: int
    """Number of identifiers of this type and rule."""
    users: int
    """Number of users who have at least one of them."""


class CurrentPopulationFeaturesItem(TypedDict):
    name: str
    kind: Literal["single", "multi", "number", "vector"]
    """Kind of the feature; `multi` means a list of values."""
    sensitive: bool
    """Whether the feature is sensitive. Explanations compare the groups of sensitive features."""
    excluded_for: list[Literal["housing", "employment", "credit", "political", "minors"]]
    """The categories whose campaigns do not use the feature."""
    known_values: int
    """Number of distinct values of the feature that were ever imported."""
    values: str
    """URL of the list of known values."""


class CurrentPopulation(TypedDict):
    version: str
    users: int
    labelled_categories: list[Literal["housing", "employment", "credit", "political", "minors"]]
    """The categories for which the population labels features or past campaigns."""
    imported_at: str
    """Time at which the files of the population version were written on this machine."""
    identifiers: list[CurrentPopulationIdentifiersItem]
    """The identifiers of users in this version, by type and rule, as counted when the version was published. Later
    erasures of users do not lower these counts.
    """
    features: list[CurrentPopulationFeaturesItem]


class CustomisedManifestCampaignInputsValue(TypedDict):
    shape: list[int]
    """Dimensions of the input."""
    data: list[float | None]
    """The numbers in row-major order; `null` for NaN."""


class CustomisedManifestLeftOut(TypedDict):
    input: str
    """Name of the model input."""
    token: str
    """The token, which is the external id of the campaign."""
    id: int
    """Id of the token in the vocabulary of the general model."""


class CustomisedManifest(TypedDict):
    contract_version: int
    """Version of the format of this manifest."""
    campaign_id: str
    audience_version: int
    model_version: str
    """Version of the general model."""
    population_version: str
    campaign_features: dict[str, str | float | list[str] | list[float]]
    """The features of the campaign by name."""
    campaign_inputs: dict[str, CustomisedManifestCampaignInputsValue]
    """The campaign's features as model inputs of one row: token ids (with lengths for lists) and numbers, `null` for
    NaN. For inputs with one row per user, repeat this row for every user.
    """
    left_out: CustomisedManifestLeftOut | None
    """The token of this campaign, if the model was trained on the campaign. To get the audience's scores, remove
    `id` from each user's list in `input` before cutting the list to its maximum length, and let `.length` count
    the remaining tokens. `null` if there is nothing to remove.
    """
    general_model: dict[str, Any]
    """The manifest of the general model: features, vocabulary sizes, and the sha256 hash of each file. The golden
    batch and the evaluation in this manifest refer to the general model.
    """


class DeletionAcknowledgement(TypedDict):
    acJWT: str
    """The signed acknowledgement, with `raResultCode` and `raResultString`."""


class DeletionParticipantIdentifiersItem(TypedDict):
    id: int
    type: str
    """The `identifierType` of requests."""
    format: str
    """The `identifierFormat` of requests: plain, or the algorithm of the hash."""


class DeletionParticipant(TypedDict):
    endpoint: str
    """URL that deletion requests are sent to."""
    identifiers: list[DeletionParticipantIdentifiersItem]
    """Types and formats of identifiers that requests may name."""
    publicKey: list[dict[str, Any]]
    """Public keys (JWK) that verify acknowledgements."""
    vendorScriptRequirement: bool
    """Whether a script is needed; always `false`."""


class Delivery(TypedDict):
    id: str
    event_id: str
    """Value of the header `webhook-id`, which is the same for all attempts and replays of an event."""
    type: Literal[
        "campaign.ready",
        "campaign.failed",
        "campaign.too_small",
        "campaign.refreshed",
        "campaign.resized",
        "campaign.activated",
        "campaign.deleted",
        "suppression.expired",
        "webhook.ping",
    ]
    campaign_id: str | None
    """The campaign that the event is about; `null` for a ping."""
    audience_version: int | None
    """The audience version that is active after the event; `null` if there is none."""
    state: Literal["pending", "delivered", "failed"]
    """`pending`: an attempt is due or running; `delivered`; `failed`: there are no further attempts."""
    attempts: int
    """Number of attempts so far."""
    replay_of: str | None
    """Id of the delivery that this delivery repeats; `null` if it is not a replay."""
    next_attempt_at: str | None
    """Time of the next attempt; `null` if the delivery has ended."""
    last_attempt_at: str | None
    """Time of the latest attempt; `null` before the first attempt."""
    last_status: int | None
    """HTTP status of the last response; `null` if there was no response."""
    last_error: str | None
    """Reason why the last attempt got no response: `timeout`, `address_refused`, `webhook_url_refused`,
    `webhook_disabled`, or an error code of the system, DNS or TLS (such as `ECONNREFUSED`). For a destination,
    the reason why the version could not be written: an error code of the service or the system, or
    `destination_paused`. `null` otherwise.
    """
    last_response_seconds: float | None
    """Duration of the last attempt in seconds; `null` before the first attempt."""
    created_at: str


class DeliveryPage(TypedDict):
    """A page of items, newest first."""
    items: list[Delivery]
    next_cursor: str | None
    """Cursor of the next page; `null` on the last page."""


class Destination(TypedDict):
    id: str
    name: str
    """Name for people; it need not be unique."""
    kind: Literal["folder", "s3"]
    """Kind of the place. Its details (path, bucket and so on) are shown only to keys of scope `admin`."""
    path: NotRequired[str | None]
    """Folder below the root that the operator has set (`METAHEAC_DESTINATIONS_ROOT`). `null` for a bucket."""
    bucket: NotRequired[str | None]
    """Bucket of AWS S3 or of an S3-compatible server. `null` for a folder."""
    prefix: NotRequired[str | None]
    """Prefix of the key of every object. `null` for a folder."""
    endpoint: NotRequired[str | None]
    """Base URL of an S3-compatible server other than AWS: https, or http if the operator allows the host. `null` for
    AWS.
    """
    region: NotRequired[str | None]
    """Region of the bucket; `null` for the region in the service's AWS settings."""
    profile: NotRequired[str | None]
    """Profile in the service's AWS credential files; `null` for the service's own credentials."""
    format: Literal["csv", "csv.gz", "parquet"]
    """Format of the files."""
    mode: Literal["full", "deltas"]
    """`full`: each version contains all members. `deltas`: a version contains the users removed and added since the
    previous version if the destination has that version, otherwise all members.
    """
    labels: dict[str, str]
    """Only campaigns with all of these labels are delivered. Without labels, all campaigns are."""
    cut: str | None
    """Name of the cut to deliver; `null` for the audience. Versions without this cut are not delivered."""
    identifier: str | None
    """Type and rule of the identifiers to deliver instead of user ids, such as `email:uid2`. If a user has several,
    the lowest hash is delivered. Users without one are left out and counted in the manifest. `null` for user ids.
    """
    paused: bool
    """Whether deliveries wait until the destination is resumed. They fail after a day."""
    created_at: str
    updated_at: str


class DestinationPage(TypedDict):
    """A page of items, newest first."""
    items: list[Destination]
    next_cursor: str | None
    """Cursor of the next page; `null` on the last page."""


class DestinationTest(TypedDict):
    ok: bool
    """Whether a small file could be written and removed."""
    error: str | None
    """Why the file could not be written or removed; `null` on success."""
    seconds: float
    """Duration of the test in seconds."""


class ErrorPage(TypedDict):
    code: Literal[
        "foreign_origin",
        "precondition_failed",
        "foreign_host",
        "rate_limited",
        "invalid_cursor",
        "deletion_refused",
        "webhook_url_refused",
        "destination_refused",
        "unauthorized",
        "forbidden",
        "key_not_found",
        "too_many_keys",
        "invalid_request",
        "unknown_feature",
        "unknown_filter",
        "unlabelled_category",
        "excluded_filter",
        "too_few_known",
        "route_not_found",
        "campaign_not_found",
        "expansion_not_found",
        "audience_not_found",
        "cut_not_found",
        "feature_not_found",
        "user_not_found",
        "model_not_stored",
        "method_not_allowed",
        "not_acceptable",
        "request_timeout",
        "external_id_taken",
        "consent_basis_differs",
        "idempotency_key_reused",
        "no_seeds",
        "expansion_ended",
        "audience_not_ready",
        "no_holdout",
        "model_unavailable",
        "model_not_found",
        "model_rejected",
        "nothing_to_roll_back",
        "population_not_found",
        "population_rejected",
        "population_unavailable",
        "body_too_large",
        "too_many_seeds",
        "unsupported_media_type",
        "headers_too_large",
        "unavailable",
        "storage_failed",
        "database_lost",
        "internal",
        "webhook_not_found",
        "destination_not_found",
        "delivery_not_found",
        "webhook_disabled",
        "too_many_webhooks",
        "too_many_destinations",
        "invalid_argument",
        "invalid_data",
        "invalid_population",
        "database_damaged",
        "invalid_graph",
        "invalid_model",
        "device_unavailable",
    ]
    """The error code."""
    type: str
    """The `type` of problems with this code, which is the URL of the code's page."""
    status: int
    """HTTP status of problems with this code."""
    title: str
    """`title` of problems with this code."""
    meaning: str
    """What the code means, and what causes it."""
    advice: str
    """Advice on how to resolve the error."""
    example: dict[str, Any]
    """An example of a response body with this code."""


class ErrorPages(TypedDict):
    items: list[ErrorPage]


class EstimateSeeds(TypedDict):
    """Counts of the seeds: received = known + unknown + duplicate."""
    received: int
    """Number of ids sent, including repeated ones."""
    known: int
    """Number of distinct ids that are in the population."""
    unknown: int
    """Number of distinct ids that are not in the population."""
    duplicate: int
    """Number of ids that repeat an earlier id."""
    unknown_examples: list[str]
    """Up to 10 unknown ids."""
    outside: NotRequired[int]
    """Number of users who are not in the population but were sent with `features`. The model learns from them; they
    are never ranked. Only present if there are any.
    """
    suppressed: int | None
    """Number of known seeds on a suppression list, which an expansion does not use; `null` until users have been
    counted.
    """
    contradicting: int
    """Number of known seeds that are also negatives. They count as negatives, not as `suppressed`."""


class EstimateFeatureCounts(TypedDict):
    unknown: int
    """Number of values that the model does not know."""
    missing: int
    """Number of model features for which no value was given."""


class EstimateExcluded(TypedDict):
    seeds: int
    """Number of seeds."""
    suppressed: int
    """Number of users who are on a suppression list or were erased."""
    filtered: int
    """Number of users who do not match the filters."""


class EstimateCohesion(TypedDict):
    """An estimated value with its 90 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class EstimateExpectedRecallValue(TypedDict):
    """An estimated value with its 90 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class EstimateExpectedLiftValue(TypedDict):
    """An estimated value with its 90 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class EstimateExpectedDriftAucBefore(TypedDict):
    """An estimated value for users who like the campaign and are not seeds, with its 90 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class EstimateExpectedDrift(TypedDict):
    """Drift: how much less similar later customers are to the seeds than the seeds are to each other."""
    measured: bool
    """Whether the drift was measured in training, on past campaigns whose members have dates. If drift was not
    measured, the prediction assumes that later customers are like the seeds.
    """
    campaigns: int
    """Number of past campaigns on which the drift was measured; 0 if it was not measured."""
    auc_before: EstimateExpectedDriftAucBefore | None
    """AUC of held-out seeds before the correction for drift; `null` if there was no correction."""


class EstimateExpected(TypedDict):
    verdict: Literal["good", "weak", "unsure"]
    """The predicted quality in one word: `good`; `weak` if the seeds look like random users; `unsure` if there are
    too few seeds to tell.
    """
    reason: str
    """A sentence that explains the verdict."""
    recall: dict[str, EstimateExpectedRecallValue]
    """Predicted recall: the fraction of users who like the campaign, seeds excluded, that an audience contains. The
    keys are audience sizes as fractions of `candidates`. Empty if too few seeds match the filters.
    """
    lift: dict[str, EstimateExpectedLiftValue]
    """Predicted lift: the number of users in the audience who like the campaign, relative to a random audience of
    the same size.
    """
    drift: EstimateExpectedDrift | None
    """Drift that the estimate assumes; `null` if it was not estimated."""


class EstimateBasedOn(TypedDict):
    seeds: int
    """Number of seeds used in the estimate."""
    fitting_seeds: int
    """Number of seeds used in the estimate that are in the population and match the filters. Only these seeds are
    ranked among the candidates.
    """
    candidates: int
    """Number of random candidates used in the estimate."""


class EstimateReason(TypedDict):
    code: Literal["too_few_seeds", "no_candidates", "loading", "busy", "too_slow", "failed"]
    """Stable code of the reason."""
    message: str


class Estimate(TypedDict):
    seeds: EstimateSeeds
    """Counts of the seeds: received = known + unknown + duplicate."""
    feature_counts: EstimateFeatureCounts
    minimum: int
    """Number of seeds, known or with features, that an expansion needs."""
    enough: bool
    """Whether at least `minimum` of the seeds counted so far are known or have features, and are neither suppressed
    nor negatives.
    """
    excluded: EstimateExcluded | None
    """Numbers of users who are not ranked. Each user is counted under one reason. `null` until the users have been
    counted.
    """
    candidates: int | None
    """Number of users from whom an audience would be selected; `null` until the users have been counted."""
    cohesion: EstimateCohesion | None
    """How similar the seeds are: the probability that a held-out seed ranks above a random user (0.5 is chance).
    `null` if cohesion was not estimated, or if too few seeds match the filters (see `expected.reason`).
    """
    expected: EstimateExpected | None
    """The expected quality of an audience; `null` if it was not estimated (see `reason`)."""
    based_on: EstimateBasedOn | None
    """What the estimate used; `null` if `expected` is. An expansion uses more seeds and candidates."""
    reason: EstimateReason | None
    """Reason why `expected` is `null`; otherwise `null`."""


class ExpansionReason(TypedDict):
    code: str
    """Stable code of the reason."""
    message: str


class ExpansionFiltersValue(TypedDict):
    min: NotRequired[float]
    """Smallest number that matches; none by default."""
    max: NotRequired[float]
    """Largest number that matches; none by default."""


class ExpansionSeeds(TypedDict):
    """Counts of the seeds: received = known + unknown + outside + duplicate."""
    received: int
    """Number of ids sent, including repeated ones."""
    known: int
    """Number of distinct ids that are in the population."""
    unknown: int
    """Number of distinct ids that are not in the population."""
    duplicate: int
    """Number of ids that repeat an earlier id."""
    unknown_examples: list[str]
    """Up to 10 unknown ids."""
    outside: NotRequired[int]
    """Number of users who are not in the population but were sent with `features`. The model learns from them; they
    are never ranked. Only present if there are any.
    """


class ExpansionExcluded(TypedDict):
    seeds: int
    """Number of seeds."""
    suppressed: int
    """Number of users who are on a suppression list or were erased."""
    filtered: int
    """Number of users who do not match the filters."""


class ExpansionFeedback(TypedDict):
    """Numbers of users whom feedback added to the seeds and to the negatives."""
    positives: int
    """Number of users who converted or clicked."""
    dismissed: int
    """Number of users who dismissed the campaign."""


class ExpansionComputedWith(TypedDict):
    device: str
    """Device of the engine: `cpu`, or `cuda:` followed by a number."""
    threads: int
    """Number of threads of the engine."""
    batch_size: int
    """Number of users scored in one run of the model."""


class Expansion(TypedDict):
    id: str
    campaign_id: str
    cause: Literal["created", "requested", "interval", "population", "change"]
    """Cause of the expansion: the campaign's creation, a request, or a trigger of the refresh policy."""
    state: Literal["queued", "adapting", "scoring", "ready", "too_small", "failed", "cancelled", "superseded"]
    """State of the expansion: `queued`, `adapting` (the model learns from the seeds) or `scoring` (it ranks the
    population); finally `ready`, `too_small` (too few known seeds), `failed`, `cancelled` (by a caller) or
    `superseded` (by a newer expansion).
    """
    progress: float
    """Progress of the expansion from 0 to 1, which never decreases."""
    eta_seconds: float | None
    """Estimated time until the expansion ends, based on earlier expansions; `null` if the expansion has ended, is
    the first, or has very many expansions before it in the queue.
    """
    reason: ExpansionReason | None
    """The reason for the state of the expansion, with the relevant numbers; `null` if the state needs none."""
    features: dict[str, str | float | list[str] | list[float]]
    """The campaign features by name."""
    filters: dict[str, list[str] | ExpansionFiltersValue]
    """Conditions that users must match to be ranked, by user feature: a list of tokens, or the range of a number."""
    seeds: ExpansionSeeds
    """Counts of the seeds: received = known + unknown + outside + duplicate."""
    excluded: ExpansionExcluded | None
    """Numbers of users who are not ranked. Each user is counted under one reason. `null` until the users have been
    counted.
    """
    model_version: str | None
    """Version of the general model; `null` until the expansion begins."""
    population_version: str | None
    """Version of the population; `null` until the expansion begins."""
    timings: dict[str, float]
    """Duration of each stage of the expansion in seconds."""
    quality: Quality | None
    """The quality report of the expansion; `null` until it is `ready`."""
    feedback: ExpansionFeedback
    """Numbers of users whom feedback added to the seeds and to the negatives."""
    negatives: int
    """Number of users in the campaign's negatives."""
    negative_weight: float
    """Weight of an explicit negative; a sampled negative has weight 1."""
    category: Literal["housing", "employment", "credit", "political", "minors"] | None
    """The special category of the campaign. The audience is computed without the user features and the past
    campaigns that the population labels for this category; `null` for none.
    """
    four_fifths: str | None
    """A single-valued user feature, such as gender; `null` for none. The ranking is changed so that in every
    audience, and in every cut that begins at the first rank, no group of this feature is selected at less than 80
    % of the rate of another group; within a group, the order stays the same. Scores then only reflect this order.
    `quality.four_fifths` shows the price.
    """
    audience_version: int | None
    """The earliest audience version from this expansion that is still kept; `null` if there is none."""
    computed_with: ExpansionComputedWith | None
    """Device and settings that computed the expansion; `null` until the expansion is ready, and for expansions by
    earlier versions of the service.
    """
    created_at: str
    started_at: str | None
    """Time at which the first attempt began; `null` while none has begun."""
    updated_at: str


class ExpansionPage(TypedDict):
    """A page of items, newest first."""
    items: list[Expansion]
    next_cursor: str | None
    """Cursor of the next page; `null` on the last page."""


class ExplanationPopulation(TypedDict):
    count: int
    """Number of users in the population version."""


class ExplanationAudience(TypedDict):
    count: int
    """Number of members who are in the population version."""


class ExplanationSeeds(TypedDict):
    count: int
    """Number of seeds who are in the population or were sent with `features`."""


class ExplanationFeaturesItemNumbers(TypedDict):
    audience_mean: float | None
    """Mean of the feature in the audience; `null` for a vector."""
    population_mean: float | None
    """Mean of the feature in the population; `null` for a vector."""
    shift: float | None
    """Difference of the means in standard deviations of the population; for a vector, the root mean square over its
    numbers. `null` if nobody has a value.
    """


class ExplanationFeaturesItemTokensItemAudience(TypedDict):
    count: int
    """Number of these users who have the token."""
    share: float
    """`count` divided by the number of these users; 0 if there are none."""


class ExplanationFeaturesItemTokensItemPopulation(TypedDict):
    count: int
    """Number of these users who have the token."""
    share: float
    """`count` divided by the number of these users; 0 if there are none."""


class ExplanationFeaturesItemTokensItemSeeds(TypedDict):
    count: int
    """Number of these users who have the token."""
    share: float
    """`count` divided by the number of these users; 0 if there are none."""


class ExplanationFeaturesItemTokensItemLift(TypedDict):
    """Share of the token in the audience divided by its share in the population, with the 95 % interval of this
    token.
    """
    estimate: float
    """The quotient."""
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class ExplanationFeaturesItemTokensItem(TypedDict):
    token: str | None
    """The token; `null` for users without a value."""
    audience: ExplanationFeaturesItemTokensItemAudience
    population: ExplanationFeaturesItemTokensItemPopulation
    seeds: ExplanationFeaturesItemTokensItemSeeds | None
    """Frequency of the token among the seeds; `null` if the seeds are not known."""
    lift: ExplanationFeaturesItemTokensItemLift
    """Share of the token in the audience divided by its share in the population, with the 95 % interval of this
    token.
    """
    z: float
    """Strength of the evidence, in standard deviations from a random audience: positive if the token is
    over-represented in the audience, negative if under-represented.
    """


class ExplanationFeaturesItemDisparityLowest(TypedDict):
    token: str
    """The token that the users of the group have."""
    population: int
    """Number of users in the population who belong to the group."""
    audience: int
    """Number of users in the audience who belong to the group."""
    rate: float
    """Selection rate of the group: `audience` divided by `population`."""


class ExplanationFeaturesItemDisparityHighest(TypedDict):
    token: str
    """The token that the users of the group have."""
    population: int
    """Number of users in the population who belong to the group."""
    audience: int
    """Number of users in the audience who belong to the group."""
    rate: float
    """Selection rate of the group: `audience` divided by `population`."""


class ExplanationFeaturesItemDisparity(TypedDict):
    """Comparison of selection rates; only for a sensitive feature with at least two groups that are large enough."""
    ratio: float | None
    """The lowest selection rate divided by the highest rate; 1 if all rates are equal, `null` if no group has a
    member in the audience.
    """
    lowest: ExplanationFeaturesItemDisparityLowest
    highest: ExplanationFeaturesItemDisparityHighest
    groups: int
    """Number of groups that are large enough to be compared."""
    warning: bool
    """Whether the ratio is below the configured limit (by default 80 %, the four-fifths rule)."""


class ExplanationFeaturesItem(TypedDict):
    feature: str
    """Name of a user feature."""
    kind: Literal["single", "multi", "number", "vector"]
    """Kind of the feature; `multi` means a list of values."""
    sensitive: bool
    """Whether the feature is sensitive. Explanations compare the groups of sensitive features."""
    token_count: int
    """Number of distinct tokens (or bands of a number) in the population. The list may contain fewer."""
    numbers: ExplanationFeaturesItemNumbers | None
    """Statistics of a number or vector, computed over users who have a value; `null` for tokens."""
    tokens: list[ExplanationFeaturesItemTokensItem]
    """Tokens of the feature, strongest evidence first."""
    disparity: ExplanationFeaturesItemDisparity | None
    """Comparison of selection rates; `null` if rates are not compared."""


class ExplanationWarningsItem(TypedDict):
    code: Literal["disparity"]
    feature: str
    """Name of the feature."""
    message: str


class Explanation(TypedDict):
    version: int
    """Number of the audience version."""
    population_version: str
    """The population version from which the audience was selected."""
    population: ExplanationPopulation
    audience: ExplanationAudience
    seeds: ExplanationSeeds | None
    """The seeds; `null` if they are not known."""
    features: list[ExplanationFeaturesItem]
    warnings: list[ExplanationWarningsItem]
    """Sensitive features whose groups have selection rates that differ too much."""


class FeedbackOutcomeUsers(TypedDict):
    """Numbers of users by their latest event."""
    conversion: int
    """Number of users who converted."""
    click: int
    """Number of users who clicked."""
    dismissal: int
    """Number of users who dismissed the campaign."""


class FeedbackOutcomeResponders(TypedDict):
    """Users who converted or clicked."""
    compared: int
    """Number of responders who were compared with the audience. If there are too many responders, only the first
    ones by id are compared.
    """
    ranked: int
    """Number of compared responders who are ranked in the active audience version. Seeds and users unknown to that
    version are not ranked. Held-out users are not counted.
    """
    members: int
    """Number of ranked responders who are in the audience."""


class FeedbackOutcome(TypedDict):
    users: FeedbackOutcomeUsers
    """Numbers of users by their latest event."""
    responders: FeedbackOutcomeResponders
    """Users who converted or clicked."""


class FeedbackReportUsers(TypedDict):
    """Numbers of users by their latest event."""
    conversion: int
    """Number of users who converted."""
    click: int
    """Number of users who clicked."""
    dismissal: int
    """Number of users who dismissed the campaign."""


class FeedbackReport(TypedDict):
    received: int
    """Number of events in the request."""
    taken: int
    """Number of accepted events. An event is accepted if it is newer than the user's latest event."""
    outdated: int
    """Number of events that changed nothing, because they are older than their user's latest event."""
    users: FeedbackReportUsers
    """Numbers of users by their latest event."""


class FourFifthsPriceSizesItemGroupsItem(TypedDict):
    token: str
    """The token that the users of the group have."""
    before: int
    """Number of users of the group before the change."""
    users: int
    """Number of users of the group after the change."""


class FourFifthsPriceSizesItem(TypedDict):
    share: float
    """Audience size as a share of the candidates."""
    size: int
    """Number of users in an audience of this size."""
    ratio_before: float
    """The lowest selection rate divided by the highest, before the change."""
    ratio: float
    """The same ratio after the change. It is below .8 only if a group has too few candidates."""
    mean_score_before: float
    """Mean score of the audience before the change."""
    mean_score: float
    """Mean of the model's own scores in the audience after the change."""
    groups: list[FourFifthsPriceSizesItemGroupsItem]
    """Users of each group in an audience of this size, before and after the change."""


class FourFifthsPrice(TypedDict):
    feature: str
    """The feature whose groups are compared."""
    sizes: list[FourFifthsPriceSizesItem]
    """The price by audience size."""


class Key(TypedDict):
    id: str
    """Id of the key, which is the first part of the key itself."""
    name: str
    """Who or what uses the key."""
    scope: Literal["read", "write", "admin"]
    """What the key may do: `read`; `write`, which can also create and change; or `admin`, which can also manage
    keys, read the audit log, erase users and change the served versions.
    """
    labels: dict[str, str]
    """Labels of the key. A key with labels sees only campaigns that have all of these labels, and cannot call routes
    that concern all campaigns (webhooks, changes, the global suppression list, the audiences of a user).
    """
    created_at: str
    expires_at: str | None
    """Time at which the key expires; `null` if it never does."""
    revoked_at: str | None
    """Time at which the key was revoked; `null` if it was not."""


class KeyPage(TypedDict):
    """A page of items, newest first."""
    items: list[Key]
    next_cursor: str | None
    """Cursor of the next page; `null` on the last page."""


class KeyWithSecret(TypedDict):
    id: str
    """Id of the key, which is the first part of the key itself."""
    name: str
    """Who or what uses the key."""
    scope: Literal["read", "write", "admin"]
    """What the key may do: `read`; `write`, which can also create and change; or `admin`, which can also manage
    keys, read the audit log, erase users and change the served versions.
    """
    labels: dict[str, str]
    """Labels of the key. A key with labels sees only campaigns that have all of these labels, and cannot call routes
    that concern all campaigns (webhooks, changes, the global suppression list, the audiences of a user).
    """
    created_at: str
    expires_at: str | None
    """Time at which the key expires; `null` if it never does."""
    revoked_at: str | None
    """Time at which the key was revoked; `null` if it was not."""
    key: str
    """The secret key, to be sent as `Authorization: Bearer`. The key is never shown again."""


class LiftArm(TypedDict):
    users: int
    """Number of users in the arm, without erased users."""
    converted: int
    """Number of these users with at least one conversion in the window."""
    conversions: int
    """Number of conversions of these users in the window."""
    value: float
    """The sum of the values of the conversions."""


class LiftEffect(TypedDict):
    treated: float
    """The mean per user who was treated."""
    held_out: float
    """The mean per user who was held out."""
    absolute: LiftEstimate
    """The difference of the means."""
    relative: LiftEstimate | None
    """The difference relative to the users held out; `null` if their mean is 0."""
    incremental: LiftEstimate
    """The total effect: the difference times the number of treated users."""
    minimum_detectable: float | None
    """The smallest absolute difference that would be found with 80 % probability; `null` until both arms have
    conversions.
    """


class LiftEstimateFixed(TypedDict):
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class LiftEstimateAlwaysValid(TypedDict):
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class LiftEstimate(TypedDict):
    estimate: float
    """The point estimate."""
    fixed: LiftEstimateFixed | None
    """The 95 % interval for a single look at a time that was fixed in advance; `null` until both arms have
    conversions.
    """
    always_valid: LiftEstimateAlwaysValid | None
    """The 95 % interval that is valid at all times at once, so you may look as often as you like and stop when it
    excludes 0. Valid from 5,000 users on; `null` until both arms have conversions.
    """


LiftReportWindow = TypedDict(
    "LiftReportWindow",
    {
        "from": "str",
        "to": "str",
    },
)
"""The time range of the conversions that count."""


class LiftReportArms(TypedDict):
    """The users of the audience version by arm, with their conversions."""
    treated: LiftArm
    held_out: LiftArm


class LiftReportWarningsItem(TypedDict):
    code: Literal["sample_ratio", "holdout_changed"]
    """Stable code of the warning."""
    message: str


class LiftReportPredictedLift(TypedDict):
    """An estimated value for users who like the campaign and are not seeds, with its 90 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class LiftReport(TypedDict):
    """The measured lift, which is the effect of the campaign: treated users compared with users of the hold-out, by
    assignment, not exposure. All users of the audience version count, whether or not they saw the campaign.
    """
    campaign_id: str
    audience_version: int
    holdout_percent: float
    """Percentage of the audience version that is held out. It may have been another in parts of the window."""
    basis: Literal["by assignment, not exposure"]
    """Users are compared by the arm that they were assigned to, whether or not they saw the campaign."""
    window: LiftReportWindow
    """The time range of the conversions that count."""
    arms: LiftReportArms
    """The users of the audience version by arm, with their conversions."""
    conversion: LiftEffect
    """The effect on the share of users who convert."""
    value: LiftEffect
    """The effect on the value per user."""
    sample_ratio_p: float
    """The probability that, by chance alone, the share of held-out users differs at least this much from
    `holdout_percent` (chi-square test).
    """
    warnings: list[LiftReportWarningsItem]
    """Reasons not to trust the comparison: the number of users held out is improbable, or another percentage was
    held out during a part of the window.
    """
    predicted_lift: LiftReportPredictedLift | None
    """The predicted lift, from the seeds: how many more users who like the campaign this audience contains than a
    random one; `null` if it was not predicted. It compares audiences, not treated with untreated users.
    """


class LimitsItem(TypedDict):
    name: str
    value: float
    """The value in force. The name or the description says its unit."""
    variable: str | None
    """The environment variable of `metaheac serve` that sets the limit; `null` if the limit is fixed."""
    description: str
    """What is limited."""


class Limits(TypedDict):
    items: list[LimitsItem]


class Liveness(TypedDict):
    status: Literal["alive"]


class MembershipTrue(TypedDict):
    member: Literal[True]
    known: Literal[True]
    rank: int
    """Rank of the user, starting at 1 for the best."""
    score: float
    """Score of the user, which is comparable only with scores from the same expansion."""
    percentile: float
    """Percentage of the candidates who are ranked at or below this user; 100 for the best user."""


class MembershipFalse(TypedDict):
    member: Literal[False]
    known: Literal[True]


Membership = MembershipTrue | MembershipFalse


class MembershipBatchItemTrue(TypedDict):
    user_id: str
    member: Literal[True]
    known: Literal[True]
    rank: int
    """Rank of the user, starting at 1 for the best."""
    score: float
    """Score of the user, which is comparable only with scores from the same expansion."""
    percentile: float
    """Percentage of the candidates who are ranked at or below this user; 100 for the best user."""


class MembershipBatchItemFalse(TypedDict):
    user_id: str
    member: Literal[False]
    known: bool
    """Whether the user is in the population."""
    code: NotRequired[Literal["user_not_found"]]
    """Error code that a look-up of this user alone would return. Only for users who are not in the population."""


class MembershipBatch(TypedDict):
    version: int
    """The active audience version, to which all items refer."""
    items: list[MembershipBatchItemTrue | MembershipBatchItemFalse]
    """One item per user id, in the same order. A repeated id gets one item per occurrence."""


class ModelVersionCheckReason(TypedDict):
    code: str
    """Stable code of the reason."""
    message: str


class ModelVersionCheckComparisonsItemServed(TypedDict):
    """Predicted quality of the audience, from held-out seeds."""
    verdict: str | None
    """The predicted quality in one word, as in the quality report; `null` if nothing was predicted."""
    auc: float | None
    """Probability that a held-out seed scores above a candidate; `null` if nothing was predicted."""
    recall_at_5_percent: float | None
    """Expected recall of an audience of 5 % of the candidates; `null` if nothing was predicted."""


class ModelVersionCheckComparisonsItemFresh(TypedDict):
    """Predicted quality of the audience, from held-out seeds."""
    verdict: str | None
    """The predicted quality in one word, as in the quality report; `null` if nothing was predicted."""
    auc: float | None
    """Probability that a held-out seed scores above a candidate; `null` if nothing was predicted."""
    recall_at_5_percent: float | None
    """Expected recall of an audience of 5 % of the candidates; `null` if nothing was predicted."""


class ModelVersionCheckComparisonsItem(TypedDict):
    campaign_id: str
    seeds: int
    """Number of seeds that both models used."""
    scored: int
    """Number of candidates that both models scored. If the population is large, the candidates are a sample."""
    overlap: dict[str, float]
    """Share of users that the audiences of both models have in common, by audience size as a share of the
    candidates.
    """
    served: ModelVersionCheckComparisonsItemServed
    """Predicted quality of the audience, from held-out seeds."""
    fresh: ModelVersionCheckComparisonsItemFresh
    """Predicted quality of the audience, from held-out seeds."""


class ModelVersionCheck(TypedDict):
    kind: Literal["activation", "rollback"]
    """What started the check. A rollback compares no audiences."""
    state: Literal["checking", "served", "refused"]
    """State of the check. `refused` means that the served model has not changed; `reason` says why."""
    from_version: str
    """The model that is served during the check."""
    population_version: str
    started_at: str
    ended_at: str | None
    """Time at which the check ended; `null` while it runs."""
    reason: ModelVersionCheckReason | None
    """Why the model was refused; `null` if it was not."""
    comparisons: list[ModelVersionCheckComparisonsItem]
    """Comparisons of the two models on the newest campaigns. The results are not published."""


class ModelVersion(TypedDict):
    version: str
    name: str
    served: bool
    """Whether new expansions use this model version."""
    created_at: str
    """Time at which the model was trained."""
    published_at: str
    """Time at which the files of the model were placed in the data folder, or published in a cluster."""
    bytes: int
    """Size of the files of the model."""
    check: ModelVersionCheck | None
    """The latest check of the model; `null` if there was no check, or if the model was refused before the last
    restart.
    """


class ModelVersions(TypedDict):
    items: list[ModelVersion]


class PopulationChangesFeaturesItem(TypedDict):
    name: str
    changed: int
    """Number of users whose value changed."""


class PopulationChanges(TypedDict):
    version: str
    since: str
    """The population version that `version` is compared with."""
    added: int
    """Number of users in `version` who are not in `since`."""
    removed: int
    """Number of users in `since` who are not in `version`."""
    kept: int
    """Number of users in both versions."""
    changed: int
    """Number of users in both versions whose values differ in at least one feature that both versions have."""
    features: list[PopulationChangesFeaturesItem]
    """Features that both versions have."""
    added_features: list[str]
    """Names of the features that only `version` has."""
    removed_features: list[str]
    """Names of the features that only `since` has."""


class PopulationDetailIdentifiersItem(TypedDict):
    type: str
    """Type of the identifiers, such as `email`."""
    rule: Literal["adcp", "meta", "uid2", "google", "liveramp-sha256", "liveramp-md5", "liveramp-sha1", "sha256"]
    """Rule by which the identifiers are normalised and hashed."""
    count: int
    """Number of identifiers of this type and rule."""
    users: int
    """Number of users who have at least one of them."""


class PopulationDetailFeaturesItem(TypedDict):
    name: str
    kind: Literal["single", "multi", "number", "vector"]
    """Kind of the feature; `multi` means a list of values."""
    sensitive: bool
    """Whether the feature is sensitive. Explanations compare the groups of sensitive features."""
    users: int
    """Number of users who have a value."""
    values: int | None
    """Number of distinct values that users have; `null` for numbers and vectors."""
    unknown_values: int | None
    """Number of values of the feature that the served model does not know; `null` if the model does not read the
    feature.
    """
    unknown_share: float | None
    """Share of this feature's values, counted over all users, that the served model does not know; `null` if the
    model does not read the feature.
    """


class PopulationDetail(TypedDict):
    version: str
    served: bool
    """Whether new expansions use this population version."""
    newest: bool
    """Whether this is the most recently published version. The next update builds on the newest version, even if
    another version is served.
    """
    imported_at: str
    """Time at which the files of the population version were written on this machine."""
    users: int
    known_users: int
    """Number of user ids in the directory of this version, including ids from earlier versions."""
    bytes: int
    """Size of the files that only this version uses."""
    identifiers: list[PopulationDetailIdentifiersItem]
    """The identifiers of users in this version, by type and rule, as counted when the version was published. Later
    erasures of users do not lower these counts.
    """
    features: list[PopulationDetailFeaturesItem]


class PopulationSample(TypedDict):
    population_version: str
    user_ids: list[str]
    """The users of the sample."""


class PopulationVersion(TypedDict):
    version: str
    served: bool
    """Whether new expansions use this population version."""
    newest: bool
    """Whether this is the most recently published version. The next update builds on the newest version, even if
    another version is served.
    """
    imported_at: str
    """Time at which the files of the population version were written on this machine."""
    users: int
    known_users: int
    """Number of user ids in the directory of this version, including ids from earlier versions."""
    bytes: int
    """Size of the files that only this version uses."""


class PopulationVersions(TypedDict):
    items: list[PopulationVersion]


class ProblemErrorsItem(TypedDict):
    pointer: str
    """JSON pointer into the body, or the name of a query, path or header parameter."""
    value: NotRequired[str | float | bool | None]
    """The refused value, which may be `null`; absent if it is not shown."""
    limit: NotRequired[float]
    """The limit that the value is beyond."""
    message: str


class Problem(TypedDict):
    """An RFC 9457 problem. Some codes add fields: `state`, `retry_after` (seconds), `known_features`, `campaign_id`,
    `parts`, `model_version`, `served_model_version`, `acJWT`. Problems about a user add `member` and `known`.
    Problems about a list add `known`, `unknown`, `known_percent`, `min_known_percent`, `unknown_examples` and
    `hints`.
    """
    type: str
    """The URL of the code's page, relative to the service."""
    title: str
    """The error in a few words, the same for all problems with this code."""
    status: int
    """HTTP status."""
    detail: str
    """What is wrong in this request."""
    code: Literal[
        "foreign_origin",
        "precondition_failed",
        "foreign_host",
        "rate_limited",
        "invalid_cursor",
        "deletion_refused",
        "webhook_url_refused",
        "destination_refused",
        "unauthorized",
        "forbidden",
        "key_not_found",
        "too_many_keys",
        "invalid_request",
        "unknown_feature",
        "unknown_filter",
        "unlabelled_category",
        "excluded_filter",
        "too_few_known",
        "route_not_found",
        "campaign_not_found",
        "expansion_not_found",
        "audience_not_found",
        "cut_not_found",
        "feature_not_found",
        "user_not_found",
        "model_not_stored",
        "method_not_allowed",
        "not_acceptable",
        "request_timeout",
        "external_id_taken",
        "consent_basis_differs",
        "idempotency_key_reused",
        "no_seeds",
        "expansion_ended",
        "audience_not_ready",
        "no_holdout",
        "model_unavailable",
        "model_not_found",
        "model_rejected",
        "nothing_to_roll_back",
        "population_not_found",
        "population_rejected",
        "population_unavailable",
        "body_too_large",
        "too_many_seeds",
        "unsupported_media_type",
        "headers_too_large",
        "unavailable",
        "storage_failed",
        "database_lost",
        "internal",
        "webhook_not_found",
        "destination_not_found",
        "delivery_not_found",
        "webhook_disabled",
        "too_many_webhooks",
        "too_many_destinations",
        "invalid_argument",
        "invalid_data",
        "invalid_population",
        "database_damaged",
        "invalid_graph",
        "invalid_model",
        "device_unavailable",
    ]
    """Stable code of the error, on which programs should branch."""
    request_id: str
    """Id of the request, as in `X-Request-Id` and in the log of the service."""
    errors: list[ProblemErrorsItem]
    """The faults of the request; empty if no single value is at fault."""


class QualityHeldOut(TypedDict):
    held_out_seeds: int
    """Number of seeds that were held out."""
    candidates: int
    """Number of candidates among whom they were ranked."""
    auc: float
    """Probability that a held-out seed scores above a candidate."""
    standard_error: float
    """Standard error of `auc`."""
    recall: dict[str, float]
    """Share of the held-out seeds that an audience contains, by audience size."""


class QualityPredictionAuc(TypedDict):
    """An estimated value for users who like the campaign and are not seeds, with its 90 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class QualityPredictionRecallValue(TypedDict):
    """An estimated value for users who like the campaign and are not seeds, with its 90 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class QualityPredictionLiftValue(TypedDict):
    """An estimated value for users who like the campaign and are not seeds, with its 90 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class QualityPredictionDriftAucBefore(TypedDict):
    """An estimated value for users who like the campaign and are not seeds, with its 90 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class QualityPredictionDrift(TypedDict):
    """Drift: how much less similar later customers are to the seeds than the seeds are to each other."""
    measured: bool
    """Whether the drift was measured in training, on past campaigns whose members have dates. If drift was not
    measured, the prediction assumes that later customers are like the seeds.
    """
    campaigns: int
    """Number of past campaigns on which the drift was measured; 0 if it was not measured."""
    auc_before: QualityPredictionDriftAucBefore | None
    """AUC of held-out seeds before the correction for drift; `null` if there was no correction."""


class QualityPrediction(TypedDict):
    verdict: Literal["good", "weak", "unsure"]
    """The predicted quality in one word: `good`; `weak` if the seeds look like random users; `unsure` if there are
    too few seeds to tell.
    """
    reason: str
    """A sentence that explains the verdict."""
    fitting_seeds: NotRequired[int]
    """Number of seeds that are in the population and match the campaign's filters. Only these seeds are held out and
    ranked among candidates.
    """
    auc: QualityPredictionAuc | None
    """Probability that a user who likes the campaign scores above a candidate; `null` if too few seeds match the
    filters.
    """
    recall: dict[str, QualityPredictionRecallValue]
    """Predicted recall: the fraction of users who like the campaign, seeds excluded, that an audience contains. The
    keys are audience sizes as fractions of the candidates. Empty if too few seeds match the filters.
    """
    lift: dict[str, QualityPredictionLiftValue]
    """Predicted lift: the number of users in the audience who like the campaign, relative to a random audience of
    the same size. `GET …/lift` returns the measured lift.
    """
    drift: NotRequired[QualityPredictionDrift]
    """Drift: how much less similar later customers are to the seeds than the seeds are to each other."""


class QualityExcludedPredictionWithAllFeaturesAuc(TypedDict):
    """An estimated value for users who like the campaign and are not seeds, with its 90 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class QualityExcludedPredictionWithAllFeaturesRecallValue(TypedDict):
    """An estimated value for users who like the campaign and are not seeds, with its 90 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class QualityExcludedPredictionWithAllFeaturesLiftValue(TypedDict):
    """An estimated value for users who like the campaign and are not seeds, with its 90 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class QualityExcludedPredictionWithAllFeaturesDriftAucBefore(TypedDict):
    """An estimated value for users who like the campaign and are not seeds, with its 90 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class QualityExcludedPredictionWithAllFeaturesDrift(TypedDict):
    """Drift: how much less similar later customers are to the seeds than the seeds are to each other."""
    measured: bool
    """Whether the drift was measured in training, on past campaigns whose members have dates. If drift was not
    measured, the prediction assumes that later customers are like the seeds.
    """
    campaigns: int
    """Number of past campaigns on which the drift was measured; 0 if it was not measured."""
    auc_before: QualityExcludedPredictionWithAllFeaturesDriftAucBefore | None
    """AUC of held-out seeds before the correction for drift; `null` if there was no correction."""


class QualityExcludedPredictionWithAllFeatures(TypedDict):
    verdict: Literal["good", "weak", "unsure"]
    """The predicted quality in one word: `good`; `weak` if the seeds look like random users; `unsure` if there are
    too few seeds to tell.
    """
    reason: str
    """A sentence that explains the verdict."""
    fitting_seeds: NotRequired[int]
    """Number of seeds that are in the population and match the campaign's filters. Only these seeds are held out and
    ranked among candidates.
    """
    auc: QualityExcludedPredictionWithAllFeaturesAuc | None
    """Probability that a user who likes the campaign scores above a candidate; `null` if too few seeds match the
    filters.
    """
    recall: dict[str, QualityExcludedPredictionWithAllFeaturesRecallValue]
    """Predicted recall: the fraction of users who like the campaign, seeds excluded, that an audience contains. The
    keys are audience sizes as fractions of the candidates. Empty if too few seeds match the filters.
    """
    lift: dict[str, QualityExcludedPredictionWithAllFeaturesLiftValue]
    """Predicted lift: the number of users in the audience who like the campaign, relative to a random audience of
    the same size. `GET …/lift` returns the measured lift.
    """
    drift: NotRequired[QualityExcludedPredictionWithAllFeaturesDrift]
    """Drift: how much less similar later customers are to the seeds than the seeds are to each other."""


class QualityExcluded(TypedDict):
    """Features and past campaigns that the campaign's category excluded; absent without a category. Counts of users
    who are not ranked are in `excluded` of the expansion.
    """
    category: Literal["housing", "employment", "credit", "political", "minors"]
    """The special category of the campaign. The audience is computed without the user features and the past
    campaigns that the population labels for this category.
    """
    features: list[str]
    """The user features that were excluded."""
    past_campaigns: int
    """Number of past campaigns that were excluded."""
    prediction_with_all_features: QualityExcludedPredictionWithAllFeatures | None
    """The prediction for a model that uses all features, from the same held-out seeds: what the exclusion costs.
    `null` if nothing was predicted.
    """


class Quality(TypedDict):
    epochs: NotRequired[int]
    """Number of adaptation passes or steps. 0 if the model consists of regressions alone, or if held-out seeds
    ranked best before the first step. In the second case, the model is used unchanged, and `reason` of the
    prediction says so.
    """
    held_out: NotRequired[QualityHeldOut | None]
    """Ranking of seeds that were held out from adaptation, not of users of the hold-out; `null` if too few seeds
    match the filters. The candidates do not include users who dismissed the campaign.
    """
    prediction: NotRequired[QualityPrediction | None]
    """The expected quality of the audience, predicted from the seeds alone; `null` if nothing was predicted."""
    four_fifths: NotRequired[FourFifthsPrice]
    """The effect of the four-fifths rule; absent if the campaign does not use it."""
    excluded: NotRequired[QualityExcluded]
    """Features and past campaigns that the campaign's category excluded; absent without a category. Counts of users
    who are not ranked are in `excluded` of the expansion.
    """


class QualityReportAuc(TypedDict):
    """An estimated value for users who like the campaign and are not seeds, with its 90 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class QualityReportDriftAucBefore(TypedDict):
    """An estimated value for users who like the campaign and are not seeds, with its 90 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class QualityReportDrift(TypedDict):
    """Drift: how much less similar later customers are to the seeds than the seeds are to each other."""
    measured: bool
    """Whether the drift was measured in training, on past campaigns whose members have dates. If drift was not
    measured, the prediction assumes that later customers are like the seeds.
    """
    campaigns: int
    """Number of past campaigns on which the drift was measured; 0 if it was not measured."""
    auc_before: QualityReportDriftAucBefore | None
    """AUC of held-out seeds before the correction for drift; `null` if there was no correction."""


class QualityReportExcluded(TypedDict):
    category: Literal["housing", "employment", "credit", "political", "minors"]
    """The special category of the campaign. The audience is computed without the user features and the past
    campaigns that the population labels for this category.
    """
    features: list[str]
    """The user features that were excluded."""
    past_campaigns: int
    """Number of past campaigns that were excluded."""


class QualityReportCurveItemRecall(TypedDict):
    """Share of the users who like the campaign, seeds excluded, that an audience of this size contains."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class QualityReportCurveItemLift(TypedDict):
    """Predicted lift: the number of users in the audience who like the campaign, relative to a random audience of
    the same size. `GET …/lift` returns the measured lift.
    """
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class QualityReportCurveItemRecallWithAllFeatures(TypedDict):
    """An estimated value for users who like the campaign and are not seeds, with its 90 % interval."""
    mean: float
    low: float
    """Lower bound of the interval."""
    high: float
    """Upper bound of the interval."""


class QualityReportCurveItem(TypedDict):
    share: float
    """Audience size as a share of the candidates."""
    size: int
    """Number of users in an audience of this size."""
    recall: QualityReportCurveItemRecall
    """Share of the users who like the campaign, seeds excluded, that an audience of this size contains."""
    lift: QualityReportCurveItemLift
    """Predicted lift: the number of users in the audience who like the campaign, relative to a random audience of
    the same size. `GET …/lift` returns the measured lift.
    """
    recall_with_all_features: QualityReportCurveItemRecallWithAllFeatures | None
    """Recall of a model that uses all features, for the same held-out seeds. The difference from `recall` is what
    the exclusion costs. `null` without a category.
    """


class QualityReport(TypedDict):
    """The expected quality of the audience, predicted from the seeds alone. The seeds that match the filters are
    split into five parts, and each part is ranked among candidates by a model that learned from the other seeds.
    The 90 % intervals contain the true value nine times in ten. The report does not say how likely a single user
    is to like the campaign.
    """
    campaign_id: str
    expansion_id: str
    audience_version: int
    size: int
    """Number of users in the audience."""
    candidates: int
    """Number of users in the ranking."""
    verdict: Literal["good", "weak", "unsure"] | None
    """The predicted quality in one word; `null` if nothing was predicted."""
    reason: str
    """A sentence that explains the verdict, with the relevant numbers."""
    fitting_seeds: int | None
    """Number of seeds that are in the population and match the campaign's filters. Only these seeds are held out and
    ranked. `null` in a report by an earlier version of the service.
    """
    auc: QualityReportAuc | None
    """Probability that a user who likes the campaign scores above a candidate; `null` if too few seeds match the
    filters.
    """
    drift: QualityReportDrift | None
    """Drift that the prediction assumes; `null` if nothing was predicted, or in a report by an earlier version of
    the service.
    """
    excluded: QualityReportExcluded | None
    """What the campaign's category excluded: names of user features, and the number of past campaigns; `null`
    without a category.
    """
    four_fifths: FourFifthsPrice | None
    """The effect of the four-fifths rule; `null` if the campaign does not use it."""
    curve: list[QualityReportCurveItem]
    """Expected quality by audience size, smallest size first. Empty if too few seeds match the filters."""


class ReadinessPartsItem(TypedDict):
    name: str
    """Name of the part: `engine`, `store`, `model`, `population`, `disk` or `descriptors`."""
    ready: bool
    """Whether the part works."""
    degraded: NotRequired[bool]
    """Whether the part does only some of its work, for a limited time."""
    detail: str
    """Result of the check."""


class Readiness(TypedDict):
    status: Literal["ready", "degraded"]
    """`degraded` if a node of a cluster answers look-ups only, from memory, and refuses changes."""
    warm: NotRequired[bool]
    """Whether this process's engine has prepared everything for a campaign. If not, the next campaign may take
    longer.
    """
    parts: NotRequired[list[ReadinessPartsItem]]
    """Only for callers who may see details."""
    model_version: NotRequired[str]
    """The served model; only for callers who may see details."""
    population_version: NotRequired[str]
    """The served population; only for callers who may see details."""


class ReceiptInputsExcluded(TypedDict):
    """What the campaign's category excludes: names of user features, and ids of past campaigns."""
    category: Literal["housing", "employment", "credit", "political", "minors"]
    """The special category of the campaign. The audience is computed without the user features and the past
    campaigns that the population labels for this category.
    """
    features: list[str]
    """Names of the excluded user features."""
    campaigns: list[str]
    """External ids of the excluded past campaigns."""


class ReceiptInputsModel(TypedDict):
    version: str
    """Version of the general model."""
    sha256: str
    """SHA-256 of the canonical JSON (RFC 8785) of `manifest.json` without `version` and `created`. The manifest
    contains the hash of every other file of the model.
    """


class ReceiptInputsPopulationErased(TypedDict):
    """The users of this population version who were erased before the ranking began."""
    users: int
    """Number of these users."""
    sha256: str
    """SHA-256 of their user numbers in ascending order, each on a line."""


class ReceiptInputsPopulation(TypedDict):
    version: str
    """Version of the population."""
    sha256: str
    """SHA-256 of the canonical JSON of `population.json` without `version`. It contains the hash of every file."""
    erased: ReceiptInputsPopulationErased
    """The users of this population version who were erased before the ranking began."""


class ReceiptInputs(TypedDict):
    """Everything that the ranking depends on."""
    external_id: str | None
    """Your own id for the campaign; `null` if none was given."""
    features: dict[str, str | float | list[str] | list[float]]
    """The campaign features by name."""
    filters: dict[str, Any]
    """The filters by user feature, as in the campaign."""
    negative_weight: float
    """Weight of an explicit negative; a sampled negative has weight 1."""
    excluded: NotRequired[ReceiptInputsExcluded]
    """What the campaign's category excludes: names of user features, and ids of past campaigns."""
    four_fifths: NotRequired[str]
    """The user feature whose groups were ranked by the four-fifths rule."""
    sets: dict[str, str]
    """The SHA-256 hash of each user set of the expansion: `seeds`, `negatives`, `suppression`, `common_suppression`
    (the global suppression list), `positives` and `dismissed` (both from feedback). A set that the expansion did
    not use is absent.
    """
    model: ReceiptInputsModel
    population: ReceiptInputsPopulation


class ReceiptOutputs(TypedDict):
    """Hashes of the files of the ranking, in `audiences/<campaign_id>/<expansion_id>` of the data folder."""
    scores: str
    """SHA-256 of `scores.f32`: the score of each user as a float32, by user number; NaN if not ranked."""
    order: str
    """SHA-256 of `order.u32`: the user numbers as uint32, best user first."""
    parameters: str
    """SHA-256 of `customised.bin`: the parameters of the customised model."""


class ReceiptComputedWithProcessor(TypedDict):
    architecture: str
    """Architecture of the processor, such as `x64` or `arm64`."""
    features: list[str]
    """Instruction sets of the processor that may affect rounding; empty if they are not known."""


class ReceiptComputedWith(TypedDict):
    """Software, processor and settings. With others, scores may be rounded differently."""
    metaheac: str
    """Version of the service."""
    onnxruntime: str
    """Version of ONNX Runtime."""
    device: str
    """Device of the engine: `cpu`, or `cuda:` followed by a number."""
    batch_size: int
    """Number of users scored in one run of the model."""
    processor: ReceiptComputedWithProcessor
    golden_sha256: str
    """The hash of the scores that this processor computes for the model's golden batch."""


class ReceiptSignature(TypedDict):
    """The signature of the canonical JSON (RFC 8785) of the receipt without the field `signature`."""
    algorithm: Literal["Ed25519"]
    key_id: str
    """Id of the key, as in `GET /v1/receipts/key`."""
    value: str
    """The signature in base64."""


class Receipt(TypedDict):
    format: Literal["metaheac-receipt/1"]
    campaign_id: str
    expansion_id: str
    """The expansion that made the ranking."""
    made_at: str
    """Time at which the ranking was completed."""
    inputs: ReceiptInputs
    """Everything that the ranking depends on."""
    consent_bases: NotRequired[dict[str, Literal["consent", "legitimate_interest", "contract", "legal_obligation"]]]
    """The consent basis of each user set that had one when the expansion was created. The ranking does not depend on
    it.
    """
    plan_key: str
    """The seed of all random numbers: a hash of the inputs."""
    candidates: int
    """Number of users in the ranking."""
    erased_while_ranking: int
    """Number of users who were erased during the ranking and are not in it. Unless it is 0, the ranking cannot be
    reproduced.
    """
    outputs: ReceiptOutputs
    """Hashes of the files of the ranking, in `audiences/<campaign_id>/<expansion_id>` of the data folder."""
    computed_with: ReceiptComputedWith
    """Software, processor and settings. With others, scores may be rounded differently."""
    signature: ReceiptSignature
    """The signature of the canonical JSON (RFC 8785) of the receipt without the field `signature`."""


class ReceiptKey(TypedDict):
    key_id: str
    """The first 16 hex digits of the SHA-256 hash of the public key in DER."""
    algorithm: Literal["Ed25519"]
    public_key: str
    """The public key in PEM (SubjectPublicKeyInfo)."""
    created_at: str


class StatusPartsItem(TypedDict):
    name: str
    """Name of the part: `engine`, `store`, `model`, `population`, `disk` or `descriptors`."""
    ready: bool
    """Whether the part works."""
    degraded: NotRequired[bool]
    """Whether the part does only some of its work, for a limited time."""
    detail: str
    """Result of the check."""


class StatusVersions(TypedDict):
    service: str
    """Version of the service."""
    model: str
    """Version of the served model."""
    population: str
    """Version of the served population."""
    database_schema: int
    """Number of the latest database migration."""


class StatusQueue(TypedDict):
    depth: int
    """Number of expansions that are waiting for the engine."""
    oldest_seconds: float
    """Seconds for which the oldest queued expansion has been waiting; 0 if the queue is empty."""
    by_state: dict[str, int]
    """Number of campaigns by the state of their latest expansion."""


class StatusEngine(TypedDict):
    ready: bool
    """Whether the engine works."""
    detail: str
    """The device if the engine is ready, otherwise the reason why the engine is not ready."""
    restarts: int
    """Number of times the engine was restarted since the service started."""
    hung: int
    """Number of engines that were killed and replaced because they stopped responding."""
    last_end: str | None
    """Description of the latest unexpected end of an engine; `null` if there has been none since the service
    started.
    """
    threads: int | None
    """Number of threads of the engine; `null` if it is not running."""
    expanding: int | None
    """Number of expansions that the engine is working on; `null` if it is not running."""
    heartbeat_age_seconds: float | None
    """Seconds since the latest heartbeat of the engine; `null` if it is not running."""
    resident_bytes: int | None
    """Memory that the engine uses; `null` if it is not running."""
    users_scored: int
    """Number of users scored since the service started. Users are counted once for each expansion."""


class StatusDisk(TypedDict):
    free_bytes: int
    """Free bytes on the disk."""
    total_bytes: int
    """Size of the disk."""
    reserve_file_bytes: int
    """Size of the reserve file, which is removed if the disk is too full to record a deletion; 0 while the file does
    not exist.
    """


class StatusFiles(TypedDict):
    damaged: dict[str, int]
    """Number of damaged files found since the service started, by kind."""
    set_aside: list[str]
    """Folders, relative to the data folder, to which files were moved when the service started, because the database
    had no record of them.
    """


class StatusDamageFilesItem(TypedDict):
    kind: str
    """Kind of the file: `ranking`, `user_set`, `population` or `row`. More kinds may be added later."""
    path: str
    """Path relative to the data folder (in a cluster, to the object storage), or to the population's folder for a
    population; `<table>/<id>` for a row.
    """
    found_at: str


class StatusDamage(TypedDict):
    """Files and rows that are missing or damaged, oldest first. An entry is removed once its file or row is intact
    again.
    """
    count: int
    """Number of damaged files and rows, listed or not."""
    files: list[StatusDamageFilesItem]
    """The files and rows, at most 20."""


class StatusWebhooks(TypedDict):
    pending: int
    """Number of deliveries that are waiting or being sent."""
    delivered: int
    """Number of successful delivery attempts since the service started. `retried` and `failed` count the other
    attempts.
    """
    retried: int
    """Number of attempts that failed and are followed by another attempt."""
    failed: int
    """Number of last attempts that failed."""


class StatusLastErrorsItem(TypedDict):
    code: str
    """Error code."""
    at: str
    """Time of the error."""
    campaign_id: str | None
    """Id of the campaign; `null` for a request error."""
    expansion_id: str | None
    """Id of the expansion; `null` for a request error."""
    route: str | None
    """Pattern of the route; `null` for an expansion error."""


class Status(TypedDict):
    ready: bool
    """Whether `/readyz` returns 200."""
    parts: list[StatusPartsItem]
    """Parts of the service, as in `/readyz`."""
    versions: StatusVersions
    started_at: str
    uptime_seconds: float
    """Seconds since the service started."""
    clock: Clock
    queue: StatusQueue
    engine: StatusEngine
    disk: StatusDisk | None
    """The disk of the data folder or, in a cluster, of the cache; `null` if the system does not report it."""
    files: StatusFiles
    damage: StatusDamage
    """Files and rows that are missing or damaged, oldest first. An entry is removed once its file or row is intact
    again.
    """
    webhooks: StatusWebhooks
    last_errors: list[StatusLastErrorsItem]
    """The latest errors, newest first, at most 20: expansions that failed or are being retried, and request errors."""


class SuppressionExpiredEventData(TypedDict):
    campaign_id: str | None
    """The campaign of the list; `null` for the global list."""
    external_id: str | None
    """External id of the campaign; `null` if there is none."""
    name: str | None
    """Name of the campaign; `null` for the global list."""
    users: int
    """Number of users who were removed."""


class SuppressionExpiredEvent(TypedDict):
    type: Literal["suppression.expired"]
    timestamp: str
    """Time of the event."""
    data: SuppressionExpiredEventData


class UserAudiences(TypedDict):
    """A page of audiences, sorted by campaign id."""
    items: list[UserAudiencesItem]
    next_cursor: str | None
    """Cursor of the next page; `null` on the last page."""


class UserSetIdentifiersItem(TypedDict):
    type: str
    """Type of the identifiers, such as `email`."""
    rule: Literal["adcp", "meta", "uid2", "google", "liveramp-sha256", "liveramp-md5", "liveramp-sha1", "sha256"]
    """Rule by which the identifiers are normalised and hashed."""
    users: int
    """Number of distinct identifiers of this type and rule in the set."""
    known: int
    """Number of these identifiers that belong to a user in this population version."""
    known_percent: float
    """`known` as a percentage of `users`, rounded down to a tenth."""


class UserSetWeights(TypedDict):
    """Weights of the seeds, as they were sent. Only for seeds that do not all have weight 1."""
    min: float
    """Smallest weight."""
    median: float
    """Median of the weights, to three significant digits."""
    max: float
    """Largest weight."""
    distinct: int
    """Number of different weights, to three significant digits."""


class UserSetExpiring(TypedDict):
    """The users who will expire and leave the list. Only for suppression lists."""
    users: int
    """Number of users who will expire."""
    next_at: str | None
    """When the first of them expires; `null` if there are none."""


class UserSetSentHintsItem(TypedDict):
    found: Literal["json_lines", "header", "utf16", "spaces", "quotes", "columns"]
    """Stable code of the reason; `message` explains it."""
    users: int
    """Number of unknown ids that the hint applies to."""
    example: str
    """An unknown id that the hint applies to."""
    message: str


class UserSetSent(TypedDict):
    """Match report for the ids in this request. Only present after a change to the set."""
    received: int
    """Number of ids sent, including repeated ones."""
    known: int
    """Number of distinct ids that are in the population."""
    unknown: int
    """Number of distinct ids that are not in the population."""
    duplicate: int
    """Number of ids that repeat an earlier id."""
    unknown_examples: list[str]
    """Up to 10 unknown ids."""
    outside: NotRequired[int]
    """Number of users who are not in the population but were sent with `features`. The model learns from them; they
    are never ranked. Only present if there are any.
    """
    known_percent: float
    """Percentage of the request's distinct ids that are in the population, not counting users in `outside`; 100 if
    there are no others.
    """
    hints: list[UserSetSentHintsItem]
    """Probable reasons why ids are unknown: another format, or spaces or quotes around them."""


class UserSet(TypedDict):
    users: int
    """Number of users in the set: known + unknown + outside."""
    received: int
    """Number of ids sent since the set was last replaced, minus removed ids: known + unknown + outside + duplicate."""
    known: int
    """Number of ids that are in this population version."""
    unknown: int
    """Number of ids that are not in this population version. These ids stay in the set, because the next version may
    contain them.
    """
    outside: NotRequired[int]
    """Number of users who are not in the population but were sent with `features`. The model learns from them; they
    are never ranked. Only present if there are any.
    """
    duplicate: int
    """Number of ids that repeat an earlier id."""
    suppressed: NotRequired[int]
    """Number of known ids that are not used because they are on a suppression list. Only for seeds and negatives."""
    contradicting: NotRequired[int]
    """Number of known ids that are both seeds and negatives. They count as negatives. Only for these two sets."""
    identifiers: NotRequired[list[UserSetIdentifiersItem]]
    """How the identifiers in the set match, by type and rule. Only for a set with identifiers."""
    weights: NotRequired[UserSetWeights]
    """Weights of the seeds, as they were sent. Only for seeds that do not all have weight 1."""
    consent_basis: Literal["consent", "legitimate_interest", "contract", "legal_obligation"] | None
    """Legal basis for processing the users of the set; `null` if none was given."""
    expiring: NotRequired[UserSetExpiring]
    """The users who will expire and leave the list. Only for suppression lists."""
    unknown_examples: list[str]
    """Up to 10 unknown ids. `…/unknown` lists all unknown ids."""
    population_version: str
    """The population version that the counts refer to."""
    created_at: str | None
    """Time at which the set was created; `null` if there is no set."""
    updated_at: str | None
    """Time of the latest change to the set; `null` if there is no set."""
    dry_run: NotRequired[Literal[True]]
    """Whether the request was a dry run: nothing has changed, and the report shows what the set would be."""
    sent: NotRequired[UserSetSent]
    """Match report for the ids in this request. Only present after a change to the set."""


class ValuePage(TypedDict):
    """A page of known values. A page of search results may be short or empty even if another page follows."""
    items: list[str]
    next_cursor: str | None
    """Cursor of the next page; `null` on the last page."""


class Webhook(TypedDict):
    id: str
    url: str
    """URL to which events are sent with POST."""
    events: list[Literal[
        "campaign.ready",
        "campaign.failed",
        "campaign.too_small",
        "campaign.refreshed",
        "campaign.resized",
        "campaign.activated",
        "campaign.deleted",
        "suppression.expired",
    ]]
    """Types of the events that the webhook receives."""
    description: str
    """A description for people."""
    enabled: bool
    """Whether the webhook is enabled. Events that occur while the webhook is disabled are never sent to it."""
    disabled_reason: str | None
    """Reason why the service disabled the webhook: `gone` if the receiver responded with 410. `null` if a caller
    disabled the webhook.
    """
    created_at: str
    updated_at: str


class WebhookPage(TypedDict):
    """A page of items, newest first."""
    items: list[Webhook]
    next_cursor: str | None
    """Cursor of the next page; `null` on the last page."""


class WebhookPingEventData(TypedDict):
    webhook_id: str


class WebhookPingEvent(TypedDict):
    type: Literal["webhook.ping"]
    timestamp: str
    """Time of the event."""
    data: WebhookPingEventData


class WebhookWithSecret(TypedDict):
    id: str
    url: str
    """URL to which events are sent with POST."""
    events: list[Literal[
        "campaign.ready",
        "campaign.failed",
        "campaign.too_small",
        "campaign.refreshed",
        "campaign.resized",
        "campaign.activated",
        "campaign.deleted",
        "suppression.expired",
    ]]
    """Types of the events that the webhook receives."""
    description: str
    """A description for people."""
    enabled: bool
    """Whether the webhook is enabled. Events that occur while the webhook is disabled are never sent to it."""
    disabled_reason: str | None
    """Reason why the service disabled the webhook: `gone` if the receiver responded with 410. `null` if a caller
    disabled the webhook.
    """
    created_at: str
    updated_at: str
    secret: str
    """Secret that signs every delivery. The secret is never shown again."""
