# Generated from openapi.yaml by scripts/client-python.mjs: do not edit.
"""One method for each route of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, Literal

if TYPE_CHECKING:
    from .types import *  # noqa: F403
from .transport import Body, Stream, Transport

VERSION = "1.0.0-rc.0"


class Operations(Transport):
    """One method for each route of the API, named after its operation in openapi.yaml."""

    def create_campaign(self, body: CampaignCreate, *, idempotency_key: str | None = None) -> Campaign:
        """Create a campaign.

        Stores the seeds, queues the expansion and returns at once; the campaign shows the progress. Too few known
        seeds are not an error; the campaign then has the state `too_small` and a reason that gives the numbers.
        If another campaign has the same `external_id`, the request is refused, and the error contains the id of
        that campaign (`campaign_id`). Repeating the request with the same `Idempotency-Key` creates nothing new;
        the response then has `Idempotent-Replayed: true`.

        idempotency_key: Unique key of the request. For 24 hours, a request with the same key and body gets the
        same response and creates nothing.
        """
        return self._call("POST", "/v1/campaigns", headers={"idempotency-key": idempotency_key}, body=body)

    def list_campaigns(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: Literal[
            "queued",
            "adapting",
            "scoring",
            "ready",
            "too_small",
            "failed",
            "cancelled",
            "superseded",
        ] | None = None,
        sort: Literal["name", "-name", "created_at", "-created_at", "-updated_at", "state"] | None = None,
        created_from: str | None = None,
        created_to: str | None = None,
        updated_from: str | None = None,
        updated_to: str | None = None,
        search: str | None = None,
        label: list[str] | None = None,
        external_id: str | None = None,
    ) -> CampaignPage:
        """List campaigns, by default newest first.

        cursor: `next_cursor` of the previous page.
        state: Lists only campaigns whose latest expansion is in this state.
        sort: Sort order; a minus sign means descending. By default, the newest campaign comes first. `name`
        ignores the case of Latin letters. `state` is in alphabetical order, followed by campaigns that were never
        expanded. A cursor is valid only for the order in which it was returned.
        created_from: Lists only campaigns created at or after this time.
        created_to: Lists only campaigns created before this time.
        updated_from: Lists only campaigns whose `updated_at` is not before this time.
        updated_to: Lists only campaigns whose `updated_at` is before this time.
        search: Lists only campaigns whose name or external id contains this text, ignoring the case of Latin
        letters.
        label: Lists only campaigns with this label, written as `key=text`. If the parameter is repeated,
        campaigns must have all of the labels.
        external_id: Lists only the campaign with this external id.
        """
        return self._call(
            "GET",
            "/v1/campaigns",
            query={
                "limit": limit,
                "cursor": cursor,
                "state": state,
                "sort": sort,
                "created_from": created_from,
                "created_to": created_to,
                "updated_from": updated_from,
                "updated_to": updated_to,
                "search": search,
                "label": label,
                "external_id": external_id,
            },
        )

    def iter_campaigns(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: Literal[
            "queued",
            "adapting",
            "scoring",
            "ready",
            "too_small",
            "failed",
            "cancelled",
            "superseded",
        ] | None = None,
        sort: Literal["name", "-name", "created_at", "-created_at", "-updated_at", "state"] | None = None,
        created_from: str | None = None,
        created_to: str | None = None,
        updated_from: str | None = None,
        updated_to: str | None = None,
        search: str | None = None,
        label: list[str] | None = None,
        external_id: str | None = None,
    ) -> Iterator[Campaign]:
        """Yield the items of all pages of `list_campaigns`."""
        return self._items(
            self.list_campaigns,
            limit=limit,
            cursor=cursor,
            state=state,
            sort=sort,
            created_from=created_from,
            created_to=created_to,
            updated_from=updated_from,
            updated_to=updated_to,
            search=search,
            label=label,
            external_id=external_id,
        )

    def update_campaign(self, id: str, body: CampaignUpdate, *, if_match: str | None = None) -> Campaign:
        """Change a campaign.

        Changes the given fields. A new audience size or hold-out takes effect at once, without an expansion: the
        service creates another audience version from the same ranking. New features, filters and a new category
        take effect in the next expansion, and `needs_expansion` shows that an expansion is due.

        id: Id of a campaign.
        if_match: `ETag` of the state that was read, or `*`. If the state has changed since, nothing is changed
        and the response is 412.
        """
        return self._call("PATCH", "/v1/campaigns/{id}", path={"id": id}, headers={"if-match": if_match}, body=body)

    def delete_campaign(self, id: str, *, if_match: str | None = None) -> None:
        """Delete a campaign with its seeds, expansions and audiences.

        A running expansion is stopped. Audience streams that are already open continue to their end.

        id: Id of a campaign.
        if_match: `ETag` of the state that was read, or `*`. If the state has changed since, nothing is changed
        and the response is 412.
        """
        return self._call("DELETE", "/v1/campaigns/{id}", path={"id": id}, headers={"if-match": if_match})

    def get_campaign(self, id: str) -> Campaign:
        """Get a campaign, with its state, progress, versions and timings.

        `ETag` identifies the fields that PATCH can change; progress and results of expansions do not affect it.

        id: Id of a campaign.
        """
        return self._call("GET", "/v1/campaigns/{id}", path={"id": id})

    def get_campaign_statuses(self, body: CampaignStatusRequest) -> CampaignStatuses:
        """Get the states of many campaigns at once.

        Finds campaigns by `ids` or by `external_ids`, at most as many as fit on a page of the list. `not_found`
        lists the ids of campaigns that do not exist or that the key may not see.
        """
        return self._call("POST", "/v1/campaigns/status", body=body)

    def create_expansion(self, id: str, *, idempotency_key: str | None = None) -> Expansion:
        """Expand a campaign again.

        The expansion uses the current inputs: features, filters, seeds, suppression lists and feedback. The
        active audience is served until the new audience is ready, and stays active if the expansion fails. An
        earlier expansion that has not ended becomes `superseded`. Repeating the request with the same
        `Idempotency-Key` queues nothing new.

        id: Id of a campaign.
        idempotency_key: Unique key of the request. For 24 hours, a request with the same key and body gets the
        same response and creates nothing.
        """
        return self._call(
            "POST",
            "/v1/campaigns/{id}/expansions",
            path={"id": id},
            headers={"idempotency-key": idempotency_key},
        )

    def list_expansions(self, id: str, *, limit: int | None = None, cursor: str | None = None) -> ExpansionPage:
        """List the expansions of a campaign, newest first.

        id: Id of a campaign.
        cursor: `next_cursor` of the previous page.
        """
        return self._call(
            "GET",
            "/v1/campaigns/{id}/expansions",
            path={"id": id},
            query={"limit": limit, "cursor": cursor},
        )

    def iter_expansions(self, id: str, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Expansion]:
        """Yield the items of all pages of `list_expansions`."""
        return self._items(self.list_expansions, id, limit=limit, cursor=cursor)

    def get_expansion(self, id: str, expansion_id: str) -> Expansion:
        """Get an expansion, with its state, progress, remaining time and counts.

        id: Id of a campaign.
        expansion_id: Id of an expansion.
        """
        return self._call(
            "GET",
            "/v1/campaigns/{id}/expansions/{expansion_id}",
            path={"id": id, "expansion_id": expansion_id},
        )

    def cancel_expansion(self, id: str, expansion_id: str) -> Expansion:
        """Cancel an expansion.

        After the response, the expansion is `cancelled` and has no results. The active audience stays as it is.
        Cancelling an expansion again changes nothing.

        id: Id of a campaign.
        expansion_id: Id of an expansion.
        """
        return self._call(
            "POST",
            "/v1/campaigns/{id}/expansions/{expansion_id}/cancel",
            path={"id": id, "expansion_id": expansion_id},
        )

    def record_feedback(
        self,
        id: str,
        body: FeedbackEvents | Body,
        *,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
        content_type: Literal["application/json", "application/x-ndjson"] = "application/json",
    ) -> FeedbackReport:
        """Report what users did.

        Users who convert or click become seeds of the next expansion, and users who dismiss the campaign become
        negatives. Only the latest event of a user counts. A seed who dismisses the campaign is no longer a seed.
        Feedback does not start an expansion, and sending the same events again changes nothing. With `identifier`
        and `rule`, `user_id` is a plain or hashed identifier.

        id: Id of a campaign.
        identifier: Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid`
        or `custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        hashed: Whether the identifiers are already hashed by the rule, in hex or Base64.
        country_code: Country code of the phone numbers that are written without one, such as `1`.
        """
        return self._call(
            "POST",
            "/v1/campaigns/{id}/feedback",
            path={"id": id},
            query={"identifier": identifier, "rule": rule, "hashed": hashed, "country_code": country_code},
            body=body,
            content_type=content_type,
        )

    def get_feedback(self, id: str) -> FeedbackOutcome:
        """Get a summary of the feedback so far.

        Counts users by their latest event, and shows how many of the users who converted or clicked are in the
        active audience. Compare their share with the predicted `recall` for the size of the audience (`GET
        …/quality`). At most 1,000 of these users are compared with the audience (`compared`).

        id: Id of a campaign.
        """
        return self._call("GET", "/v1/campaigns/{id}/feedback", path={"id": id})

    def record_conversions(
        self,
        id: str,
        body: ConversionsCreate | Body,
        *,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
        content_type: Literal["application/json", "application/x-ndjson"] = "application/json",
    ) -> ConversionReport:
        """Report conversions, which the lift is computed from.

        Send the conversions of all users, whether or not they are in the audience; `GET …/lift` determines who
        was treated and who was held out. Unlike feedback, conversions do not train the model. They are kept for
        400 days. With `identifier` and `rule`, `user_id` is a plain or hashed identifier.

        id: Id of a campaign.
        identifier: Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid`
        or `custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        hashed: Whether the identifiers are already hashed by the rule, in hex or Base64.
        country_code: Country code of the phone numbers that are written without one, such as `1`.
        """
        return self._call(
            "POST",
            "/v1/campaigns/{id}/conversions",
            path={"id": id},
            query={"identifier": identifier, "rule": rule, "hashed": hashed, "country_code": country_code},
            body=body,
            content_type=content_type,
        )

    def create_estimate(self, body: EstimateCreate) -> Estimate:
        """Estimate the quality of an audience from seeds.

        Nothing is stored. The response contains the numbers of known and unknown seeds. If there are enough known
        seeds, the model is adapted to some of the seeds, as in an expansion, and tested on the other seeds.
        Weights and negatives count as in a campaign. Filters, `suppression` and the global suppression list
        exclude the same users as in an expansion. Seeds with `features` who are not in the population teach the
        model but are not tested. Shares refer to the remaining candidates, and only seeds that match the filters
        are tested. An estimate has a time limit of 900 ms. If an estimate takes longer or has to wait for other
        estimates, `expected` is `null` and `reason` says why. The first request with millions of ids, or with
        filters on a large population, may exceed the limit. At most 150 seeds and 3,000 random candidates are
        used.
        """
        return self._call("POST", "/v1/estimates", body=body)

    def get_audience(
        self,
        id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        after_rank: int | None = None,
        size: int | None = None,
        percent: float | None = None,
        min_score: float | None = None,
        cut: str | None = None,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        csv_safe: bool | None = None,
    ) -> AudiencePage:
        """Read the audience, best first.

        JSON is paged, and later pages keep the audience version and the audience size (not the page length) of
        the first page. NDJSON, CSV and Parquet stream all users, starting at the cursor if one is given. With
        `limit`, these formats are paged too, and `X-Next-Cursor` contains the cursor of the next page. All
        formats except Parquet are compressed with gzip if `Accept-Encoding` allows it. `size`, `percent` or
        `min_score` select a different cut of the ranking, without a new expansion; `cut` selects a named one,
        whose users keep their ranks. `X-Audience-Version`, `X-Audience-Size` and `X-Audience-Candidates` describe
        the audience that was read. Scores are comparable only within one expansion. Users who are held out or
        erased are omitted and the other users keep their ranks, so a page may have fewer items than `limit`. With
        `identifier` and `rule`, `user_id` is the bare hash of an identifier of the user. The `ETag` identifies
        the active version; `If-None-Match` is supported.

        id: Id of a campaign.
        limit: Maximum number of users in the page. The default is 1,000 for JSON; other formats return all users
        by default.
        cursor: `next_cursor` of the previous page. Later pages keep the audience version and the audience size of
        the first page.
        after_rank: Rank after which the page begins. Cannot be combined with `cursor`, which already contains a
        position.
        size: Number of users to return, best first, instead of the audience's own size; at most the number of
        candidates.
        percent: Number of users to return, best first, as a percentage of the population, rounded up.
        min_score: Minimum score of the users to return. The result may be empty.
        cut: Name of a cut of the version, to read instead of the audience.
        identifier: Type of the identifiers to return instead of user ids. `user_id` is then the bare hash by the
        `rule`, in its encoding, without the `<type>:<rule>:` of the user ids in lists, so that other platforms
        accept it. If a user has several, the lowest hash is returned. Users without one are omitted and counted
        in `X-Without-Identifier`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        csv_safe: Whether to make CSV safe to open in a spreadsheet: a user id that begins with `=`, `+`, `-`,
        `@`, a tab or a line break is prefixed with an apostrophe. Omit this parameter if a program reads the CSV.
        """
        return self._call(
            "GET",
            "/v1/campaigns/{id}/audience",
            path={"id": id},
            query={
                "limit": limit,
                "cursor": cursor,
                "after_rank": after_rank,
                "size": size,
                "percent": percent,
                "min_score": min_score,
                "cut": cut,
                "identifier": identifier,
                "rule": rule,
                "csv_safe": csv_safe,
            },
        )

    def get_audience_stream(
        self,
        id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        after_rank: int | None = None,
        size: int | None = None,
        percent: float | None = None,
        min_score: float | None = None,
        cut: str | None = None,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        csv_safe: bool | None = None,
        accept: Literal["application/x-ndjson", "text/csv", "application/vnd.apache.parquet"] = "application/x-ndjson",
    ) -> Stream:
        """Read the audience, best first, as a stream. Close it, or use it in a `with` statement.

        JSON is paged, and later pages keep the audience version and the audience size (not the page length) of
        the first page. NDJSON, CSV and Parquet stream all users, starting at the cursor if one is given. With
        `limit`, these formats are paged too, and `X-Next-Cursor` contains the cursor of the next page. All
        formats except Parquet are compressed with gzip if `Accept-Encoding` allows it. `size`, `percent` or
        `min_score` select a different cut of the ranking, without a new expansion; `cut` selects a named one,
        whose users keep their ranks. `X-Audience-Version`, `X-Audience-Size` and `X-Audience-Candidates` describe
        the audience that was read. Scores are comparable only within one expansion. Users who are held out or
        erased are omitted and the other users keep their ranks, so a page may have fewer items than `limit`. With
        `identifier` and `rule`, `user_id` is the bare hash of an identifier of the user. The `ETag` identifies
        the active version; `If-None-Match` is supported.

        id: Id of a campaign.
        limit: Maximum number of users in the page. The default is 1,000 for JSON; other formats return all users
        by default.
        cursor: `next_cursor` of the previous page. Later pages keep the audience version and the audience size of
        the first page.
        after_rank: Rank after which the page begins. Cannot be combined with `cursor`, which already contains a
        position.
        size: Number of users to return, best first, instead of the audience's own size; at most the number of
        candidates.
        percent: Number of users to return, best first, as a percentage of the population, rounded up.
        min_score: Minimum score of the users to return. The result may be empty.
        cut: Name of a cut of the version, to read instead of the audience.
        identifier: Type of the identifiers to return instead of user ids. `user_id` is then the bare hash by the
        `rule`, in its encoding, without the `<type>:<rule>:` of the user ids in lists, so that other platforms
        accept it. If a user has several, the lowest hash is returned. Users without one are omitted and counted
        in `X-Without-Identifier`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        csv_safe: Whether to make CSV safe to open in a spreadsheet: a user id that begins with `=`, `+`, `-`,
        `@`, a tab or a line break is prefixed with an apostrophe. Omit this parameter if a program reads the CSV.
        """
        return self._stream(
            "GET",
            "/v1/campaigns/{id}/audience",
            path={"id": id},
            query={
                "limit": limit,
                "cursor": cursor,
                "after_rank": after_rank,
                "size": size,
                "percent": percent,
                "min_score": min_score,
                "cut": cut,
                "identifier": identifier,
                "rule": rule,
                "csv_safe": csv_safe,
            },
            accept=accept,
        )

    def iter_audience(
        self,
        id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        after_rank: int | None = None,
        size: int | None = None,
        percent: float | None = None,
        min_score: float | None = None,
        cut: str | None = None,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        csv_safe: bool | None = None,
    ) -> Iterator[AudiencePageItem]:
        """Yield the items of all pages of `get_audience`."""
        return self._items(
            self.get_audience,
            id,
            limit=limit,
            cursor=cursor,
            after_rank=after_rank,
            size=size,
            percent=percent,
            min_score=min_score,
            cut=cut,
            identifier=identifier,
            rule=rule,
            csv_safe=csv_safe,
        )

    def activate_audience_version(
        self,
        id: str,
        body: AudienceActivate,
        *,
        if_match: str | None = None,
    ) -> AudienceVersion:
        """Activate another version of the audience.

        Rolls the audience back or forward to another version, which is served immediately. `…/audiences` lists
        the versions; old versions are removed after a while. `If-Match` accepts any `ETag` of the active version.

        id: Id of a campaign.
        if_match: `ETag` of the state that was read, or `*`. If the state has changed since, nothing is changed
        and the response is 412.
        """
        return self._call(
            "PUT",
            "/v1/campaigns/{id}/audience",
            path={"id": id},
            headers={"if-match": if_match},
            body=body,
        )

    def get_audience_version(
        self,
        id: str,
        version: int,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        after_rank: int | None = None,
        size: int | None = None,
        percent: float | None = None,
        min_score: float | None = None,
        cut: str | None = None,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        csv_safe: bool | None = None,
    ) -> AudiencePage:
        """Read one version of the audience, best first.

        JSON is paged, and later pages keep the audience version and the audience size (not the page length) of
        the first page. NDJSON, CSV and Parquet stream all users, starting at the cursor if one is given. With
        `limit`, these formats are paged too, and `X-Next-Cursor` contains the cursor of the next page. All
        formats except Parquet are compressed with gzip if `Accept-Encoding` allows it. `size`, `percent` or
        `min_score` select a different cut of the ranking, without a new expansion; `cut` selects a named one,
        whose users keep their ranks. `X-Audience-Version`, `X-Audience-Size` and `X-Audience-Candidates` describe
        the audience that was read. Scores are comparable only within one expansion. Users who are held out or
        erased are omitted and the other users keep their ranks, so a page may have fewer items than `limit`. With
        `identifier` and `rule`, `user_id` is the bare hash of an identifier of the user. Apart from erased users,
        a version never changes. `If-None-Match` is supported.

        id: Id of a campaign.
        version: An audience version.
        limit: Maximum number of users in the page. The default is 1,000 for JSON; other formats return all users
        by default.
        cursor: `next_cursor` of the previous page. Later pages keep the audience version and the audience size of
        the first page.
        after_rank: Rank after which the page begins. Cannot be combined with `cursor`, which already contains a
        position.
        size: Number of users to return, best first, instead of the audience's own size; at most the number of
        candidates.
        percent: Number of users to return, best first, as a percentage of the population, rounded up.
        min_score: Minimum score of the users to return. The result may be empty.
        cut: Name of a cut of the version, to read instead of the audience.
        identifier: Type of the identifiers to return instead of user ids. `user_id` is then the bare hash by the
        `rule`, in its encoding, without the `<type>:<rule>:` of the user ids in lists, so that other platforms
        accept it. If a user has several, the lowest hash is returned. Users without one are omitted and counted
        in `X-Without-Identifier`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        csv_safe: Whether to make CSV safe to open in a spreadsheet: a user id that begins with `=`, `+`, `-`,
        `@`, a tab or a line break is prefixed with an apostrophe. Omit this parameter if a program reads the CSV.
        """
        return self._call(
            "GET",
            "/v1/campaigns/{id}/audiences/{version}",
            path={"id": id, "version": version},
            query={
                "limit": limit,
                "cursor": cursor,
                "after_rank": after_rank,
                "size": size,
                "percent": percent,
                "min_score": min_score,
                "cut": cut,
                "identifier": identifier,
                "rule": rule,
                "csv_safe": csv_safe,
            },
        )

    def get_audience_version_stream(
        self,
        id: str,
        version: int,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        after_rank: int | None = None,
        size: int | None = None,
        percent: float | None = None,
        min_score: float | None = None,
        cut: str | None = None,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        csv_safe: bool | None = None,
        accept: Literal["application/x-ndjson", "text/csv", "application/vnd.apache.parquet"] = "application/x-ndjson",
    ) -> Stream:
        """Read one version of the audience, best first, as a stream. Close it, or use it in a `with` statement.

        JSON is paged, and later pages keep the audience version and the audience size (not the page length) of
        the first page. NDJSON, CSV and Parquet stream all users, starting at the cursor if one is given. With
        `limit`, these formats are paged too, and `X-Next-Cursor` contains the cursor of the next page. All
        formats except Parquet are compressed with gzip if `Accept-Encoding` allows it. `size`, `percent` or
        `min_score` select a different cut of the ranking, without a new expansion; `cut` selects a named one,
        whose users keep their ranks. `X-Audience-Version`, `X-Audience-Size` and `X-Audience-Candidates` describe
        the audience that was read. Scores are comparable only within one expansion. Users who are held out or
        erased are omitted and the other users keep their ranks, so a page may have fewer items than `limit`. With
        `identifier` and `rule`, `user_id` is the bare hash of an identifier of the user. Apart from erased users,
        a version never changes. `If-None-Match` is supported.

        id: Id of a campaign.
        version: An audience version.
        limit: Maximum number of users in the page. The default is 1,000 for JSON; other formats return all users
        by default.
        cursor: `next_cursor` of the previous page. Later pages keep the audience version and the audience size of
        the first page.
        after_rank: Rank after which the page begins. Cannot be combined with `cursor`, which already contains a
        position.
        size: Number of users to return, best first, instead of the audience's own size; at most the number of
        candidates.
        percent: Number of users to return, best first, as a percentage of the population, rounded up.
        min_score: Minimum score of the users to return. The result may be empty.
        cut: Name of a cut of the version, to read instead of the audience.
        identifier: Type of the identifiers to return instead of user ids. `user_id` is then the bare hash by the
        `rule`, in its encoding, without the `<type>:<rule>:` of the user ids in lists, so that other platforms
        accept it. If a user has several, the lowest hash is returned. Users without one are omitted and counted
        in `X-Without-Identifier`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        csv_safe: Whether to make CSV safe to open in a spreadsheet: a user id that begins with `=`, `+`, `-`,
        `@`, a tab or a line break is prefixed with an apostrophe. Omit this parameter if a program reads the CSV.
        """
        return self._stream(
            "GET",
            "/v1/campaigns/{id}/audiences/{version}",
            path={"id": id, "version": version},
            query={
                "limit": limit,
                "cursor": cursor,
                "after_rank": after_rank,
                "size": size,
                "percent": percent,
                "min_score": min_score,
                "cut": cut,
                "identifier": identifier,
                "rule": rule,
                "csv_safe": csv_safe,
            },
            accept=accept,
        )

    def iter_audience_version(
        self,
        id: str,
        version: int,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        after_rank: int | None = None,
        size: int | None = None,
        percent: float | None = None,
        min_score: float | None = None,
        cut: str | None = None,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        csv_safe: bool | None = None,
    ) -> Iterator[AudiencePageItem]:
        """Yield the items of all pages of `get_audience_version`."""
        return self._items(
            self.get_audience_version,
            id,
            version,
            limit=limit,
            cursor=cursor,
            after_rank=after_rank,
            size=size,
            percent=percent,
            min_score=min_score,
            cut=cut,
            identifier=identifier,
            rule=rule,
            csv_safe=csv_safe,
        )

    def get_membership(
        self,
        id: str,
        user_id: str,
        *,
        cut: str | None = None,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
    ) -> Membership:
        """Check whether a user is in the audience.

        Seeds and held-out users are never members. With `cut`, the look-up refers to the cut of that name. For a
        user who is not in the population, the response is 404 `user_not_found`, with `member` and `known` set to
        false. With `identifier`, `rule` and `hashed=true`, the user is looked up by the hash of an identifier.

        id: Id of a campaign.
        user_id: Id of a user, 1 to 256 bytes.
        cut: Name of a cut of the version, to read instead of the audience.
        identifier: Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid`
        or `custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        hashed: Whether the identifiers are already hashed by the rule, in hex or Base64.
        country_code: Country code of the phone numbers that are written without one, such as `1`.
        """
        return self._call(
            "GET",
            "/v1/campaigns/{id}/audience/members/{user_id}",
            path={"id": id, "user_id": user_id},
            query={"cut": cut, "identifier": identifier, "rule": rule, "hashed": hashed, "country_code": country_code},
        )

    def batch_get_memberships(
        self,
        id: str,
        body: MembershipBatchGet,
        *,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
    ) -> MembershipBatch:
        """Check whether users are in the audience.

        Up to 1,000 user ids. All items refer to the same audience version and are in the order of the ids. If a
        user is not in the population, the batch does not fail: the user's item has `known` set to false and the
        code `user_not_found`. With `identifier` and `rule`, `user_ids` are plain or hashed identifiers, which are
        shown as `<type>:<rule>:<hash>` in the items.

        id: Id of a campaign.
        identifier: Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid`
        or `custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        hashed: Whether the identifiers are already hashed by the rule, in hex or Base64.
        country_code: Country code of the phone numbers that are written without one, such as `1`.
        """
        return self._call(
            "POST",
            "/v1/campaigns/{id}/audience/members/batch",
            path={"id": id},
            query={"identifier": identifier, "rule": rule, "hashed": hashed, "country_code": country_code},
            body=body,
        )

    def list_user_audiences(
        self,
        user_id: str,
        *,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> UserAudiences:
        """List the audiences that contain a user.

        Lists every campaign whose active audience contains the user, sorted by campaign id, with the named cuts
        that contain the user. A campaign is not listed if only a cut beyond the end of its audience contains the
        user: look-ups with `cut` find such users. If the user is not in the population, the response is 404. If
        the user is in no audience, the list is empty. With `identifier`, `rule` and `hashed=true`, the user is
        looked up by the hash of an identifier.

        user_id: Id of a user, 1 to 256 bytes.
        identifier: Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid`
        or `custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        hashed: Whether the identifiers are already hashed by the rule, in hex or Base64.
        country_code: Country code of the phone numbers that are written without one, such as `1`.
        cursor: `next_cursor` of the previous page.
        """
        return self._call(
            "GET",
            "/v1/users/{user_id}/audiences",
            path={"user_id": user_id},
            query={
                "identifier": identifier,
                "rule": rule,
                "hashed": hashed,
                "country_code": country_code,
                "limit": limit,
                "cursor": cursor,
            },
        )

    def iter_user_audiences(
        self,
        user_id: str,
        *,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[UserAudiencesItem]:
        """Yield the items of all pages of `list_user_audiences`."""
        return self._items(
            self.list_user_audiences,
            user_id,
            identifier=identifier,
            rule=rule,
            hashed=hashed,
            country_code=country_code,
            limit=limit,
            cursor=cursor,
        )

    def list_changes(self, *, since: str | None = None, limit: int | None = None) -> Changes:
        """List the changes to all active audiences, oldest first.

        Lists every change, in order, of which audience version is active. An ad server can poll this list to stay
        in sync. Each change contains the URL of the difference from the previous version. If retention has
        removed one of the two versions, the URL returns 404 `audience_not_found`. In that case, read the whole
        active audience (`GET /v1/campaigns/{id}/audience`) and continue from `next_cursor`.

        since: `next_cursor` of the previous call. Without this parameter, the list starts at the first change.
        """
        return self._call("GET", "/v1/changes", query={"since": since, "limit": limit})

    def get_audience_quality(self, id: str, *, version: int | None = None) -> QualityReport:
        """Get the expected quality of the audience, by size.

        id: Id of a campaign.
        version: An audience version; by default the active version.
        """
        return self._call("GET", "/v1/campaigns/{id}/quality", path={"id": id}, query={"version": version})

    def get_lift(
        self,
        id: str,
        *,
        version: int | None = None,
        from_: str | None = None,
        to: str | None = None,
    ) -> LiftReport:
        """Measure the effect of a campaign.

        Compares users of an audience version who were treated with those who were held out (`holdout_percent`),
        by their conversions (`POST …/conversions`) in a window. The arms are those of this version for the whole
        window: if another version with another `holdout_percent` was active for a part of it, some users belonged
        to the other arm at that time, and the measured effect is too small. Choose a window in which one version
        was active. With a million users, the response takes a few seconds.

        id: Id of a campaign.
        version: An audience version; by default the active version.
        from_: Start of the window (inclusive); by default, when the version was created.
        to: End of the window (exclusive); by default the current time.
        """
        return self._call(
            "GET",
            "/v1/campaigns/{id}/lift",
            path={"id": id},
            query={"version": version, "from": from_, "to": to},
        )

    def list_audience_versions(
        self,
        id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AudienceVersionPage:
        """List the versions of the audience, newest first.

        id: Id of a campaign.
        cursor: `next_cursor` of the previous page.
        """
        return self._call(
            "GET",
            "/v1/campaigns/{id}/audiences",
            path={"id": id},
            query={"limit": limit, "cursor": cursor},
        )

    def iter_audience_versions(
        self,
        id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[AudienceVersion]:
        """Yield the items of all pages of `list_audience_versions`."""
        return self._items(self.list_audience_versions, id, limit=limit, cursor=cursor)

    def get_audience_diff(
        self,
        id: str,
        from_: int,
        to: int,
        *,
        cut: str | None = None,
        csv_safe: bool | None = None,
    ) -> AudienceDiff:
        """Compare two versions of the audience.

        Shows which users were added and removed between version `from` and version `to`. JSON returns the counts.
        NDJSON and CSV stream the users: first the removed users by their rank in `from`, then the added users by
        their rank in `to`, with gzip if `Accept-Encoding` allows it. The versions may come from different
        expansions and populations. With `cut`, both sides are the cut of that name. Erased users are counted but
        not listed. Held-out users are neither counted nor listed. `If-None-Match` is supported.

        id: Id of a campaign.
        from_: An audience version.
        to: An audience version.
        cut: Name of a cut of the version, to read instead of the audience.
        csv_safe: Whether to make CSV safe to open in a spreadsheet: a user id that begins with `=`, `+`, `-`,
        `@`, a tab or a line break is prefixed with an apostrophe. Omit this parameter if a program reads the CSV.
        """
        return self._call(
            "GET",
            "/v1/campaigns/{id}/audiences/{from}/diff/{to}",
            path={"id": id, "from": from_, "to": to},
            query={"cut": cut, "csv_safe": csv_safe},
        )

    def get_audience_diff_stream(
        self,
        id: str,
        from_: int,
        to: int,
        *,
        cut: str | None = None,
        csv_safe: bool | None = None,
        accept: Literal["application/x-ndjson", "text/csv"] = "application/x-ndjson",
    ) -> Stream:
        """Compare two versions of the audience, as a stream. Close it, or use it in a `with` statement.

        Shows which users were added and removed between version `from` and version `to`. JSON returns the counts.
        NDJSON and CSV stream the users: first the removed users by their rank in `from`, then the added users by
        their rank in `to`, with gzip if `Accept-Encoding` allows it. The versions may come from different
        expansions and populations. With `cut`, both sides are the cut of that name. Erased users are counted but
        not listed. Held-out users are neither counted nor listed. `If-None-Match` is supported.

        id: Id of a campaign.
        from_: An audience version.
        to: An audience version.
        cut: Name of a cut of the version, to read instead of the audience.
        csv_safe: Whether to make CSV safe to open in a spreadsheet: a user id that begins with `=`, `+`, `-`,
        `@`, a tab or a line break is prefixed with an apostrophe. Omit this parameter if a program reads the CSV.
        """
        return self._stream(
            "GET",
            "/v1/campaigns/{id}/audiences/{from}/diff/{to}",
            path={"id": id, "from": from_, "to": to},
            query={"cut": cut, "csv_safe": csv_safe},
            accept=accept,
        )

    def get_overlap(
        self,
        id: str,
        other_id: str,
        *,
        version: int | None = None,
        cut: str | None = None,
        other_version: int | None = None,
        other_cut: str | None = None,
    ) -> AudienceOverlap:
        """Count the users in both of two audiences.

        Compares an audience of a campaign with one of another campaign, or of the same: any versions and named
        cuts. Users who are held out of an audience are not in it. Erased users count until the next expansion.
        Keys of scope `read` get ranges of 1,000 users that do not depend on any single user: ranks are rounded
        down to whole ranges before the users are counted, so that cuts that differ by a few users give the same
        response; if nearly all users of the smaller audience are in both, the range is twice as wide. Other keys
        get exact numbers.

        id: Id of a campaign.
        other_id: Id of another campaign.
        version: A version of the first audience; by default the active version.
        cut: Name of a cut of the version, to read instead of the audience.
        other_version: A version of the other audience; by default the active version.
        other_cut: Name of a cut of the other version.
        """
        return self._call(
            "GET",
            "/v1/campaigns/{id}/overlap/{other_id}",
            path={"id": id, "other_id": other_id},
            query={"version": version, "cut": cut, "other_version": other_version, "other_cut": other_cut},
        )

    def get_audience_explanation(self, id: str, *, version: int | None = None, limit: int | None = None) -> Explanation:
        """Explain who is in the audience.

        Shows for each user feature which tokens are more or less frequent in the audience than in the population,
        strongest evidence first, and how frequent these tokens are among the seeds. For features that the data
        set marks as sensitive, the selection rates of groups are compared. Features that are excluded for the
        campaign's category have no tokens here, only this comparison. With a million users, the first request for
        a version takes several seconds; requests for other explanations get 503 with `Retry-After` in the
        meantime.

        id: Id of a campaign.
        version: An audience version.
        limit: Maximum number of tokens per feature.
        """
        return self._call(
            "GET",
            "/v1/campaigns/{id}/explanation",
            path={"id": id},
            query={"version": version, "limit": limit},
        )

    def get_customised_model(self, id: str) -> CustomisedManifest:
        """Download the customised model.

        The model that ranked the audience, as an ONNX file that plain ONNX Runtime can run. It has the inputs of
        the general model (users and campaign, as token ids of its vocabularies) and the output `score`. The
        manifest is in `metadata_props` of the file under `metaheac.manifest`, and is returned alone if JSON is
        requested. `campaign_inputs` in the manifest contains the campaign's features as model inputs. If the
        model was trained on this campaign, `left_out` is a token that must be removed from every user's list to
        get the audience's scores. The customised model is available only while the general model that ranked the
        audience is served. The `ETag` contains the audience version and the model version, which are also in
        `X-Audience-Version` and `X-Model-Version`. `If-None-Match` is supported. The maximum number of
        simultaneous downloads is 1; further requests get 503 with `Retry-After`.

        id: Id of a campaign.
        """
        return self._call("GET", "/v1/campaigns/{id}/model", path={"id": id})

    def get_customised_model_stream(
        self,
        id: str,
        *,
        accept: Literal["application/octet-stream"] = "application/octet-stream",
    ) -> Stream:
        """Download the customised model, as a stream. Close it, or use it in a `with` statement.

        The model that ranked the audience, as an ONNX file that plain ONNX Runtime can run. It has the inputs of
        the general model (users and campaign, as token ids of its vocabularies) and the output `score`. The
        manifest is in `metadata_props` of the file under `metaheac.manifest`, and is returned alone if JSON is
        requested. `campaign_inputs` in the manifest contains the campaign's features as model inputs. If the
        model was trained on this campaign, `left_out` is a token that must be removed from every user's list to
        get the audience's scores. The customised model is available only while the general model that ranked the
        audience is served. The `ETag` contains the audience version and the model version, which are also in
        `X-Audience-Version` and `X-Model-Version`. `If-None-Match` is supported. The maximum number of
        simultaneous downloads is 1; further requests get 503 with `Retry-After`.

        id: Id of a campaign.
        """
        return self._stream("GET", "/v1/campaigns/{id}/model", path={"id": id}, accept=accept)

    def get_receipt(self, id: str, version: int) -> Receipt:
        """Get the signed receipt of an audience version.

        Contains hashes of what the ranking was made from (seeds, lists, model and population) and of the ranking
        itself, and how it was computed. It is signed with the key of this installation. Versions of the same
        ranking have the same receipt. `verify-receipt.mjs` verifies a receipt offline, and `metaheac reproduce`
        makes the same ranking from the same inputs or reports which input differs.

        id: Id of a campaign.
        version: An audience version.
        """
        return self._call("GET", "/v1/campaigns/{id}/audiences/{version}/receipt", path={"id": id, "version": version})

    def get_receipt_key(self) -> ReceiptKey:
        """Get the public key that verifies receipts.

        The key is created when it is first needed, and belongs to this installation (all nodes of a cluster have
        the same key). Keep a copy of the public key where the operator of the service cannot change it.
        """
        return self._call("GET", "/v1/receipts/key")

    def replace_seeds(
        self,
        id: str,
        body: SeedList | Body,
        *,
        min_known_percent: float | None = None,
        dry_run: bool | None = None,
        consent_basis: Literal["consent", "legitimate_interest", "contract", "legal_obligation"] | None = None,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
        content_type: Literal[
            "text/plain",
            "application/x-ndjson",
            "text/csv",
            "application/json",
        ] = "application/json",
    ) -> UserSet:
        """Replace a campaign's seeds.

        A seed may have a weight, such as the value of a customer; without one it has weight 1. Only the ratios of
        the weights matter. If an id is repeated, its last weight counts. In NDJSON, a seed may have `features`.
        If the user is not in the population, the model learns from these features, and the user is never ranked.
        If the user is in the population, the features are ignored. Up to 10,000,000 user ids as text, NDJSON or
        CSV, optionally with `Content-Encoding: gzip`, or 100,000 in JSON. If a line is invalid or the connection
        breaks, nothing changes. The upload does not start an expansion; the next expansion uses the set as it is
        at that time. `sent` in the response shows how the ids of this request match the population, with hints if
        the ids were probably sent in another format. User ids are stored as they are. Therefore, an id that
        contains an e-mail address is refused if no user id of the population contains `@`: send it with
        `identifier` and `rule`.

        id: Id of a campaign.
        min_known_percent: Minimum percentage of the sent ids that must be known; otherwise the change is refused
        (`too_few_known`). A suppression list that matches no user has no effect.
        dry_run: Whether to return the report of the set as it would be after the change, without changing
        anything.
        consent_basis: Legal basis for processing the users of the list. It is kept until the list is replaced or
        deleted. A list that is replaced without a basis has none.
        identifier: Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid`
        or `custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        hashed: Whether the identifiers are already hashed by the rule, in hex or Base64.
        country_code: Country code of the phone numbers that are written without one, such as `1`.
        """
        return self._call(
            "PUT",
            "/v1/campaigns/{id}/seeds",
            path={"id": id},
            query={
                "min_known_percent": min_known_percent,
                "dry_run": dry_run,
                "consent_basis": consent_basis,
                "identifier": identifier,
                "rule": rule,
                "hashed": hashed,
                "country_code": country_code,
            },
            body=body,
            content_type=content_type,
        )

    def get_seeds(self, id: str) -> UserSet:
        """Get the match report of a campaign's seeds.

        Counts refer to the current population and suppression lists. If the set does not exist, all counts are 0.

        id: Id of a campaign.
        """
        return self._call("GET", "/v1/campaigns/{id}/seeds", path={"id": id})

    def delete_seeds(self, id: str) -> None:
        """Delete a campaign's seeds.

        id: Id of a campaign.
        """
        return self._call("DELETE", "/v1/campaigns/{id}/seeds", path={"id": id})

    def add_seeds(
        self,
        id: str,
        body: SeedList | Body,
        *,
        min_known_percent: float | None = None,
        dry_run: bool | None = None,
        consent_basis: Literal["consent", "legitimate_interest", "contract", "legal_obligation"] | None = None,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
        content_type: Literal[
            "text/plain",
            "application/x-ndjson",
            "text/csv",
            "application/json",
        ] = "application/json",
    ) -> UserSet:
        """Add users to a campaign's seeds.

        A seed may have a weight, such as the value of a customer; without one it has weight 1. Only the ratios of
        the weights matter. If an id is repeated, its last weight counts. In NDJSON, a seed may have `features`.
        If the user is not in the population, the model learns from these features, and the user is never ranked.
        If the user is in the population, the features are ignored. Up to 10,000,000 user ids as text, NDJSON or
        CSV, optionally with `Content-Encoding: gzip`, or 100,000 in JSON. If a line is invalid or the connection
        breaks, nothing changes. The upload does not start an expansion; the next expansion uses the set as it is
        at that time. `sent` in the response shows how the ids of this request match the population, with hints if
        the ids were probably sent in another format. User ids are stored as they are. Therefore, an id that
        contains an e-mail address is refused if no user id of the population contains `@`: send it with
        `identifier` and `rule`.

        id: Id of a campaign.
        min_known_percent: Minimum percentage of the sent ids that must be known; otherwise the change is refused
        (`too_few_known`). A suppression list that matches no user has no effect.
        dry_run: Whether to return the report of the set as it would be after the change, without changing
        anything.
        consent_basis: Legal basis for processing the users of the list. It is kept until the list is replaced or
        deleted. A list that is replaced without a basis has none.
        identifier: Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid`
        or `custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        hashed: Whether the identifiers are already hashed by the rule, in hex or Base64.
        country_code: Country code of the phone numbers that are written without one, such as `1`.
        """
        return self._call(
            "POST",
            "/v1/campaigns/{id}/seeds/add",
            path={"id": id},
            query={
                "min_known_percent": min_known_percent,
                "dry_run": dry_run,
                "consent_basis": consent_basis,
                "identifier": identifier,
                "rule": rule,
                "hashed": hashed,
                "country_code": country_code,
            },
            body=body,
            content_type=content_type,
        )

    def remove_seeds(
        self,
        id: str,
        body: SeedList | Body,
        *,
        min_known_percent: float | None = None,
        dry_run: bool | None = None,
        consent_basis: Literal["consent", "legitimate_interest", "contract", "legal_obligation"] | None = None,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
        content_type: Literal[
            "text/plain",
            "application/x-ndjson",
            "text/csv",
            "application/json",
        ] = "application/json",
    ) -> UserSet:
        """Remove users from a campaign's seeds.

        A seed may have a weight, such as the value of a customer; without one it has weight 1. Only the ratios of
        the weights matter. If an id is repeated, its last weight counts. In NDJSON, a seed may have `features`.
        If the user is not in the population, the model learns from these features, and the user is never ranked.
        If the user is in the population, the features are ignored. Up to 10,000,000 user ids as text, NDJSON or
        CSV, optionally with `Content-Encoding: gzip`, or 100,000 in JSON. If a line is invalid or the connection
        breaks, nothing changes. The upload does not start an expansion; the next expansion uses the set as it is
        at that time. `sent` in the response shows how the ids of this request match the population, with hints if
        the ids were probably sent in another format.

        id: Id of a campaign.
        min_known_percent: Minimum percentage of the sent ids that must be known; otherwise the change is refused
        (`too_few_known`). A suppression list that matches no user has no effect.
        dry_run: Whether to return the report of the set as it would be after the change, without changing
        anything.
        consent_basis: Legal basis for processing the users of the list. It is kept until the list is replaced or
        deleted. A list that is replaced without a basis has none.
        identifier: Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid`
        or `custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        hashed: Whether the identifiers are already hashed by the rule, in hex or Base64.
        country_code: Country code of the phone numbers that are written without one, such as `1`.
        """
        return self._call(
            "POST",
            "/v1/campaigns/{id}/seeds/remove",
            path={"id": id},
            query={
                "min_known_percent": min_known_percent,
                "dry_run": dry_run,
                "consent_basis": consent_basis,
                "identifier": identifier,
                "rule": rule,
                "hashed": hashed,
                "country_code": country_code,
            },
            body=body,
            content_type=content_type,
        )

    def list_unknown_seeds(
        self,
        id: str,
        *,
        accept: Literal["application/x-ndjson", "text/plain"] = "application/x-ndjson",
    ) -> Stream:
        """List the user ids in a campaign's seeds that are not in the population, as a stream. Close it, or use it
        in a `with` statement.

        Streams the ids, sorted by UTF-16 code units. Plain text omits ids that contain a line break.

        id: Id of a campaign.
        """
        return self._stream("GET", "/v1/campaigns/{id}/seeds/unknown", path={"id": id}, accept=accept)

    def replace_negatives(
        self,
        id: str,
        body: UserIdList | Body,
        *,
        min_known_percent: float | None = None,
        dry_run: bool | None = None,
        consent_basis: Literal["consent", "legitimate_interest", "contract", "legal_obligation"] | None = None,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
        content_type: Literal[
            "text/plain",
            "application/x-ndjson",
            "text/csv",
            "application/json",
        ] = "application/json",
    ) -> UserSet:
        """Replace a campaign's negatives.

        Negatives are users who are known not to like the campaign, such as customers who returned the product.
        The model learns from them as from users who dismissed the campaign, and they may still be ranked. A user
        who is also a seed counts as a negative. Up to 10,000,000 user ids as text, NDJSON or CSV, optionally with
        `Content-Encoding: gzip`, or 100,000 in JSON. If a line is invalid or the connection breaks, nothing
        changes. The upload does not start an expansion; the next expansion uses the set as it is at that time.
        `sent` in the response shows how the ids of this request match the population, with hints if the ids were
        probably sent in another format. User ids are stored as they are. Therefore, an id that contains an e-mail
        address is refused if no user id of the population contains `@`: send it with `identifier` and `rule`.

        id: Id of a campaign.
        min_known_percent: Minimum percentage of the sent ids that must be known; otherwise the change is refused
        (`too_few_known`). A suppression list that matches no user has no effect.
        dry_run: Whether to return the report of the set as it would be after the change, without changing
        anything.
        consent_basis: Legal basis for processing the users of the list. It is kept until the list is replaced or
        deleted. A list that is replaced without a basis has none.
        identifier: Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid`
        or `custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        hashed: Whether the identifiers are already hashed by the rule, in hex or Base64.
        country_code: Country code of the phone numbers that are written without one, such as `1`.
        """
        return self._call(
            "PUT",
            "/v1/campaigns/{id}/negatives",
            path={"id": id},
            query={
                "min_known_percent": min_known_percent,
                "dry_run": dry_run,
                "consent_basis": consent_basis,
                "identifier": identifier,
                "rule": rule,
                "hashed": hashed,
                "country_code": country_code,
            },
            body=body,
            content_type=content_type,
        )

    def get_negatives(self, id: str) -> UserSet:
        """Get the match report of a campaign's negatives.

        Counts refer to the current population and suppression lists. If the set does not exist, all counts are 0.

        id: Id of a campaign.
        """
        return self._call("GET", "/v1/campaigns/{id}/negatives", path={"id": id})

    def delete_negatives(self, id: str) -> None:
        """Delete a campaign's negatives.

        id: Id of a campaign.
        """
        return self._call("DELETE", "/v1/campaigns/{id}/negatives", path={"id": id})

    def add_negatives(
        self,
        id: str,
        body: UserIdList | Body,
        *,
        min_known_percent: float | None = None,
        dry_run: bool | None = None,
        consent_basis: Literal["consent", "legitimate_interest", "contract", "legal_obligation"] | None = None,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
        content_type: Literal[
            "text/plain",
            "application/x-ndjson",
            "text/csv",
            "application/json",
        ] = "application/json",
    ) -> UserSet:
        """Add users to a campaign's negatives.

        Negatives are users who are known not to like the campaign, such as customers who returned the product.
        The model learns from them as from users who dismissed the campaign, and they may still be ranked. A user
        who is also a seed counts as a negative. Up to 10,000,000 user ids as text, NDJSON or CSV, optionally with
        `Content-Encoding: gzip`, or 100,000 in JSON. If a line is invalid or the connection breaks, nothing
        changes. The upload does not start an expansion; the next expansion uses the set as it is at that time.
        `sent` in the response shows how the ids of this request match the population, with hints if the ids were
        probably sent in another format. User ids are stored as they are. Therefore, an id that contains an e-mail
        address is refused if no user id of the population contains `@`: send it with `identifier` and `rule`.

        id: Id of a campaign.
        min_known_percent: Minimum percentage of the sent ids that must be known; otherwise the change is refused
        (`too_few_known`). A suppression list that matches no user has no effect.
        dry_run: Whether to return the report of the set as it would be after the change, without changing
        anything.
        consent_basis: Legal basis for processing the users of the list. It is kept until the list is replaced or
        deleted. A list that is replaced without a basis has none.
        identifier: Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid`
        or `custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        hashed: Whether the identifiers are already hashed by the rule, in hex or Base64.
        country_code: Country code of the phone numbers that are written without one, such as `1`.
        """
        return self._call(
            "POST",
            "/v1/campaigns/{id}/negatives/add",
            path={"id": id},
            query={
                "min_known_percent": min_known_percent,
                "dry_run": dry_run,
                "consent_basis": consent_basis,
                "identifier": identifier,
                "rule": rule,
                "hashed": hashed,
                "country_code": country_code,
            },
            body=body,
            content_type=content_type,
        )

    def remove_negatives(
        self,
        id: str,
        body: UserIdList | Body,
        *,
        min_known_percent: float | None = None,
        dry_run: bool | None = None,
        consent_basis: Literal["consent", "legitimate_interest", "contract", "legal_obligation"] | None = None,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
        content_type: Literal[
            "text/plain",
            "application/x-ndjson",
            "text/csv",
            "application/json",
        ] = "application/json",
    ) -> UserSet:
        """Remove users from a campaign's negatives.

        Negatives are users who are known not to like the campaign, such as customers who returned the product.
        The model learns from them as from users who dismissed the campaign, and they may still be ranked. A user
        who is also a seed counts as a negative. Up to 10,000,000 user ids as text, NDJSON or CSV, optionally with
        `Content-Encoding: gzip`, or 100,000 in JSON. If a line is invalid or the connection breaks, nothing
        changes. The upload does not start an expansion; the next expansion uses the set as it is at that time.
        `sent` in the response shows how the ids of this request match the population, with hints if the ids were
        probably sent in another format.

        id: Id of a campaign.
        min_known_percent: Minimum percentage of the sent ids that must be known; otherwise the change is refused
        (`too_few_known`). A suppression list that matches no user has no effect.
        dry_run: Whether to return the report of the set as it would be after the change, without changing
        anything.
        consent_basis: Legal basis for processing the users of the list. It is kept until the list is replaced or
        deleted. A list that is replaced without a basis has none.
        identifier: Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid`
        or `custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        hashed: Whether the identifiers are already hashed by the rule, in hex or Base64.
        country_code: Country code of the phone numbers that are written without one, such as `1`.
        """
        return self._call(
            "POST",
            "/v1/campaigns/{id}/negatives/remove",
            path={"id": id},
            query={
                "min_known_percent": min_known_percent,
                "dry_run": dry_run,
                "consent_basis": consent_basis,
                "identifier": identifier,
                "rule": rule,
                "hashed": hashed,
                "country_code": country_code,
            },
            body=body,
            content_type=content_type,
        )

    def list_unknown_negatives(
        self,
        id: str,
        *,
        accept: Literal["application/x-ndjson", "text/plain"] = "application/x-ndjson",
    ) -> Stream:
        """List the user ids in a campaign's negatives that are not in the population, as a stream. Close it, or use
        it in a `with` statement.

        Streams the ids, sorted by UTF-16 code units. Plain text omits ids that contain a line break.

        id: Id of a campaign.
        """
        return self._stream("GET", "/v1/campaigns/{id}/negatives/unknown", path={"id": id}, accept=accept)

    def replace_campaign_suppression_list(
        self,
        id: str,
        body: SuppressedList | Body,
        *,
        min_known_percent: float | None = None,
        dry_run: bool | None = None,
        consent_basis: Literal["consent", "legitimate_interest", "contract", "legal_obligation"] | None = None,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
        content_type: Literal[
            "text/plain",
            "application/x-ndjson",
            "text/csv",
            "application/json",
        ] = "application/json",
    ) -> UserSet:
        """Replace a campaign's suppression list.

        Users on the list are in no audience of the campaign and are not used as seeds. A user may have an expiry
        (`expires_at`), and is removed from the list within a minute after it. If a user is sent again, the new
        expiry replaces the old one; without a new one, the user no longer expires. Up to 10,000,000 user ids as
        text, NDJSON or CSV, optionally with `Content-Encoding: gzip`, or 100,000 in JSON. If a line is invalid or
        the connection breaks, nothing changes. The upload does not start an expansion; the next expansion uses
        the set as it is at that time. `sent` in the response shows how the ids of this request match the
        population, with hints if the ids were probably sent in another format. User ids are stored as they are.
        Therefore, an id that contains an e-mail address is refused if no user id of the population contains `@`:
        send it with `identifier` and `rule`.

        id: Id of a campaign.
        min_known_percent: Minimum percentage of the sent ids that must be known; otherwise the change is refused
        (`too_few_known`). A suppression list that matches no user has no effect.
        dry_run: Whether to return the report of the set as it would be after the change, without changing
        anything.
        consent_basis: Legal basis for processing the users of the list. It is kept until the list is replaced or
        deleted. A list that is replaced without a basis has none.
        identifier: Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid`
        or `custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        hashed: Whether the identifiers are already hashed by the rule, in hex or Base64.
        country_code: Country code of the phone numbers that are written without one, such as `1`.
        """
        return self._call(
            "PUT",
            "/v1/campaigns/{id}/suppression",
            path={"id": id},
            query={
                "min_known_percent": min_known_percent,
                "dry_run": dry_run,
                "consent_basis": consent_basis,
                "identifier": identifier,
                "rule": rule,
                "hashed": hashed,
                "country_code": country_code,
            },
            body=body,
            content_type=content_type,
        )

    def get_campaign_suppression_list(self, id: str) -> UserSet:
        """Get the match report of a campaign's suppression list.

        Counts refer to the current population and suppression lists. If the set does not exist, all counts are 0.

        id: Id of a campaign.
        """
        return self._call("GET", "/v1/campaigns/{id}/suppression", path={"id": id})

    def delete_campaign_suppression_list(self, id: str) -> None:
        """Delete a campaign's suppression list.

        id: Id of a campaign.
        """
        return self._call("DELETE", "/v1/campaigns/{id}/suppression", path={"id": id})

    def add_campaign_suppressed_users(
        self,
        id: str,
        body: SuppressedList | Body,
        *,
        min_known_percent: float | None = None,
        dry_run: bool | None = None,
        consent_basis: Literal["consent", "legitimate_interest", "contract", "legal_obligation"] | None = None,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
        content_type: Literal[
            "text/plain",
            "application/x-ndjson",
            "text/csv",
            "application/json",
        ] = "application/json",
    ) -> UserSet:
        """Add users to a campaign's suppression list.

        Users on the list are in no audience of the campaign and are not used as seeds. A user may have an expiry
        (`expires_at`), and is removed from the list within a minute after it. If a user is sent again, the new
        expiry replaces the old one; without a new one, the user no longer expires. Up to 10,000,000 user ids as
        text, NDJSON or CSV, optionally with `Content-Encoding: gzip`, or 100,000 in JSON. If a line is invalid or
        the connection breaks, nothing changes. The upload does not start an expansion; the next expansion uses
        the set as it is at that time. `sent` in the response shows how the ids of this request match the
        population, with hints if the ids were probably sent in another format. User ids are stored as they are.
        Therefore, an id that contains an e-mail address is refused if no user id of the population contains `@`:
        send it with `identifier` and `rule`.

        id: Id of a campaign.
        min_known_percent: Minimum percentage of the sent ids that must be known; otherwise the change is refused
        (`too_few_known`). A suppression list that matches no user has no effect.
        dry_run: Whether to return the report of the set as it would be after the change, without changing
        anything.
        consent_basis: Legal basis for processing the users of the list. It is kept until the list is replaced or
        deleted. A list that is replaced without a basis has none.
        identifier: Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid`
        or `custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        hashed: Whether the identifiers are already hashed by the rule, in hex or Base64.
        country_code: Country code of the phone numbers that are written without one, such as `1`.
        """
        return self._call(
            "POST",
            "/v1/campaigns/{id}/suppression/add",
            path={"id": id},
            query={
                "min_known_percent": min_known_percent,
                "dry_run": dry_run,
                "consent_basis": consent_basis,
                "identifier": identifier,
                "rule": rule,
                "hashed": hashed,
                "country_code": country_code,
            },
            body=body,
            content_type=content_type,
        )

    def remove_campaign_suppressed_users(
        self,
        id: str,
        body: SuppressedList | Body,
        *,
        min_known_percent: float | None = None,
        dry_run: bool | None = None,
        consent_basis: Literal["consent", "legitimate_interest", "contract", "legal_obligation"] | None = None,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
        content_type: Literal[
            "text/plain",
            "application/x-ndjson",
            "text/csv",
            "application/json",
        ] = "application/json",
    ) -> UserSet:
        """Remove users from a campaign's suppression list.

        Users on the list are in no audience of the campaign and are not used as seeds. A user may have an expiry
        (`expires_at`), and is removed from the list within a minute after it. If a user is sent again, the new
        expiry replaces the old one; without a new one, the user no longer expires. Up to 10,000,000 user ids as
        text, NDJSON or CSV, optionally with `Content-Encoding: gzip`, or 100,000 in JSON. If a line is invalid or
        the connection breaks, nothing changes. The upload does not start an expansion; the next expansion uses
        the set as it is at that time. `sent` in the response shows how the ids of this request match the
        population, with hints if the ids were probably sent in another format.

        id: Id of a campaign.
        min_known_percent: Minimum percentage of the sent ids that must be known; otherwise the change is refused
        (`too_few_known`). A suppression list that matches no user has no effect.
        dry_run: Whether to return the report of the set as it would be after the change, without changing
        anything.
        consent_basis: Legal basis for processing the users of the list. It is kept until the list is replaced or
        deleted. A list that is replaced without a basis has none.
        identifier: Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid`
        or `custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        hashed: Whether the identifiers are already hashed by the rule, in hex or Base64.
        country_code: Country code of the phone numbers that are written without one, such as `1`.
        """
        return self._call(
            "POST",
            "/v1/campaigns/{id}/suppression/remove",
            path={"id": id},
            query={
                "min_known_percent": min_known_percent,
                "dry_run": dry_run,
                "consent_basis": consent_basis,
                "identifier": identifier,
                "rule": rule,
                "hashed": hashed,
                "country_code": country_code,
            },
            body=body,
            content_type=content_type,
        )

    def list_unknown_campaign_suppressed_users(
        self,
        id: str,
        *,
        accept: Literal["application/x-ndjson", "text/plain"] = "application/x-ndjson",
    ) -> Stream:
        """List the user ids in a campaign's suppression list that are not in the population, as a stream. Close it,
        or use it in a `with` statement.

        Streams the ids, sorted by UTF-16 code units. Plain text omits ids that contain a line break.

        id: Id of a campaign.
        """
        return self._stream("GET", "/v1/campaigns/{id}/suppression/unknown", path={"id": id}, accept=accept)

    def replace_suppression_list(
        self,
        body: SuppressedList | Body,
        *,
        min_known_percent: float | None = None,
        dry_run: bool | None = None,
        consent_basis: Literal["consent", "legitimate_interest", "contract", "legal_obligation"] | None = None,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
        content_type: Literal[
            "text/plain",
            "application/x-ndjson",
            "text/csv",
            "application/json",
        ] = "application/json",
    ) -> UserSet:
        """Replace the global suppression list.

        Users on the list, such as customers or opt-outs, are in no audience and are not used as seeds. A user may
        have an expiry (`expires_at`), and is removed from the list within a minute after it. If a user is sent
        again, the new expiry replaces the old one; without a new one, the user no longer expires. Up to
        10,000,000 user ids as text, NDJSON or CSV, optionally with `Content-Encoding: gzip`, or 100,000 in JSON.
        If a line is invalid or the connection breaks, nothing changes. The upload does not start an expansion;
        the next expansion uses the set as it is at that time. `sent` in the response shows how the ids of this
        request match the population, with hints if the ids were probably sent in another format. User ids are
        stored as they are. Therefore, an id that contains an e-mail address is refused if no user id of the
        population contains `@`: send it with `identifier` and `rule`.

        min_known_percent: Minimum percentage of the sent ids that must be known; otherwise the change is refused
        (`too_few_known`). A suppression list that matches no user has no effect.
        dry_run: Whether to return the report of the set as it would be after the change, without changing
        anything.
        consent_basis: Legal basis for processing the users of the list. It is kept until the list is replaced or
        deleted. A list that is replaced without a basis has none.
        identifier: Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid`
        or `custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        hashed: Whether the identifiers are already hashed by the rule, in hex or Base64.
        country_code: Country code of the phone numbers that are written without one, such as `1`.
        """
        return self._call(
            "PUT",
            "/v1/suppression",
            query={
                "min_known_percent": min_known_percent,
                "dry_run": dry_run,
                "consent_basis": consent_basis,
                "identifier": identifier,
                "rule": rule,
                "hashed": hashed,
                "country_code": country_code,
            },
            body=body,
            content_type=content_type,
        )

    def get_suppression_list(self) -> UserSet:
        """Get the match report of the global suppression list.

        Counts refer to the current population and suppression lists. If the set does not exist, all counts are 0.
        """
        return self._call("GET", "/v1/suppression")

    def delete_suppression_list(self) -> None:
        """Delete the global suppression list."""
        return self._call("DELETE", "/v1/suppression")

    def add_suppressed_users(
        self,
        body: SuppressedList | Body,
        *,
        min_known_percent: float | None = None,
        dry_run: bool | None = None,
        consent_basis: Literal["consent", "legitimate_interest", "contract", "legal_obligation"] | None = None,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
        content_type: Literal[
            "text/plain",
            "application/x-ndjson",
            "text/csv",
            "application/json",
        ] = "application/json",
    ) -> UserSet:
        """Add users to the global suppression list.

        Users on the list, such as customers or opt-outs, are in no audience and are not used as seeds. A user may
        have an expiry (`expires_at`), and is removed from the list within a minute after it. If a user is sent
        again, the new expiry replaces the old one; without a new one, the user no longer expires. Up to
        10,000,000 user ids as text, NDJSON or CSV, optionally with `Content-Encoding: gzip`, or 100,000 in JSON.
        If a line is invalid or the connection breaks, nothing changes. The upload does not start an expansion;
        the next expansion uses the set as it is at that time. `sent` in the response shows how the ids of this
        request match the population, with hints if the ids were probably sent in another format. User ids are
        stored as they are. Therefore, an id that contains an e-mail address is refused if no user id of the
        population contains `@`: send it with `identifier` and `rule`.

        min_known_percent: Minimum percentage of the sent ids that must be known; otherwise the change is refused
        (`too_few_known`). A suppression list that matches no user has no effect.
        dry_run: Whether to return the report of the set as it would be after the change, without changing
        anything.
        consent_basis: Legal basis for processing the users of the list. It is kept until the list is replaced or
        deleted. A list that is replaced without a basis has none.
        identifier: Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid`
        or `custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        hashed: Whether the identifiers are already hashed by the rule, in hex or Base64.
        country_code: Country code of the phone numbers that are written without one, such as `1`.
        """
        return self._call(
            "POST",
            "/v1/suppression/add",
            query={
                "min_known_percent": min_known_percent,
                "dry_run": dry_run,
                "consent_basis": consent_basis,
                "identifier": identifier,
                "rule": rule,
                "hashed": hashed,
                "country_code": country_code,
            },
            body=body,
            content_type=content_type,
        )

    def remove_suppressed_users(
        self,
        body: SuppressedList | Body,
        *,
        min_known_percent: float | None = None,
        dry_run: bool | None = None,
        consent_basis: Literal["consent", "legitimate_interest", "contract", "legal_obligation"] | None = None,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
        content_type: Literal[
            "text/plain",
            "application/x-ndjson",
            "text/csv",
            "application/json",
        ] = "application/json",
    ) -> UserSet:
        """Remove users from the global suppression list.

        Users on the list, such as customers or opt-outs, are in no audience and are not used as seeds. A user may
        have an expiry (`expires_at`), and is removed from the list within a minute after it. If a user is sent
        again, the new expiry replaces the old one; without a new one, the user no longer expires. Up to
        10,000,000 user ids as text, NDJSON or CSV, optionally with `Content-Encoding: gzip`, or 100,000 in JSON.
        If a line is invalid or the connection breaks, nothing changes. The upload does not start an expansion;
        the next expansion uses the set as it is at that time. `sent` in the response shows how the ids of this
        request match the population, with hints if the ids were probably sent in another format.

        min_known_percent: Minimum percentage of the sent ids that must be known; otherwise the change is refused
        (`too_few_known`). A suppression list that matches no user has no effect.
        dry_run: Whether to return the report of the set as it would be after the change, without changing
        anything.
        consent_basis: Legal basis for processing the users of the list. It is kept until the list is replaced or
        deleted. A list that is replaced without a basis has none.
        identifier: Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid`
        or `custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        hashed: Whether the identifiers are already hashed by the rule, in hex or Base64.
        country_code: Country code of the phone numbers that are written without one, such as `1`.
        """
        return self._call(
            "POST",
            "/v1/suppression/remove",
            query={
                "min_known_percent": min_known_percent,
                "dry_run": dry_run,
                "consent_basis": consent_basis,
                "identifier": identifier,
                "rule": rule,
                "hashed": hashed,
                "country_code": country_code,
            },
            body=body,
            content_type=content_type,
        )

    def list_unknown_suppressed_users(
        self,
        *,
        accept: Literal["application/x-ndjson", "text/plain"] = "application/x-ndjson",
    ) -> Stream:
        """List the user ids in the global suppression list that are not in the population, as a stream. Close it, or
        use it in a `with` statement.

        Streams the ids, sorted by UTF-16 code units. Plain text omits ids that contain a line break.
        """
        return self._stream("GET", "/v1/suppression/unknown", accept=accept)

    def list_limits(self) -> Limits:
        """List limits of the service."""
        return self._call("GET", "/v1/limits")

    def get_current_model(self) -> CurrentModel:
        """Get the served model and its campaign features."""
        return self._call("GET", "/v1/models/current")

    def list_model_feature_values(
        self,
        name: str,
        *,
        prefix: str | None = None,
        search: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> ValuePage:
        """List the known values of a campaign feature.

        name: Name of a feature.
        prefix: Lists only values that begin with this text; case-sensitive.
        search: Lists only values that contain this text, ignoring case.
        cursor: `next_cursor` of the previous page.
        """
        return self._call(
            "GET",
            "/v1/models/current/features/{name}/values",
            path={"name": name},
            query={"prefix": prefix, "search": search, "limit": limit, "cursor": cursor},
        )

    def iter_model_feature_values(
        self,
        name: str,
        *,
        prefix: str | None = None,
        search: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[str]:
        """Yield the items of all pages of `list_model_feature_values`."""
        return self._items(
            self.list_model_feature_values,
            name,
            prefix=prefix,
            search=search,
            limit=limit,
            cursor=cursor,
        )

    def get_current_population(self) -> CurrentPopulation:
        """Get the served population, its identifiers and its user features."""
        return self._call("GET", "/v1/populations/current")

    def list_population_feature_values(
        self,
        name: str,
        *,
        prefix: str | None = None,
        search: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> CountedValuePage:
        """List the values of a user feature.

        Lists all values that were ever imported. Each value comes with the number of users in the served version
        who have it, which may be 0.

        name: Name of a feature.
        prefix: Lists only values that begin with this text; case-sensitive.
        search: Lists only values that contain this text, ignoring case.
        cursor: `next_cursor` of the previous page.
        """
        return self._call(
            "GET",
            "/v1/populations/current/features/{name}/values",
            path={"name": name},
            query={"prefix": prefix, "search": search, "limit": limit, "cursor": cursor},
        )

    def iter_population_feature_values(
        self,
        name: str,
        *,
        prefix: str | None = None,
        search: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Iterator[CountedValuePageItem]:
        """Yield the items of all pages of `list_population_feature_values`."""
        return self._items(
            self.list_population_feature_values,
            name,
            prefix=prefix,
            search=search,
            limit=limit,
            cursor=cursor,
        )

    def list_models(self) -> ModelVersions:
        """List the versions of the general model: the served version first, then the others, newest first."""
        return self._call("GET", "/v1/models")

    def get_model(self, version: str) -> ModelVersion:
        """Get a version of the general model, with the state of its check.

        version: Version of a general model.
        """
        return self._call("GET", "/v1/models/{version}", path={"version": version})

    def activate_model(self, version: str) -> ModelVersion:
        """Serve another version of the general model.

        Loads the model while the current model is still served, and checks the new model: checksums, golden
        batch, and whether the model fits the population. Then both models expand the newest campaigns without
        publishing the results, and the results are compared. If the new model passes, it is served from then on,
        even after a restart. New expansions use the new model, running expansions finish with the previous model,
        and audiences stay as they are. The response is sent before the check; the `check` field of the resource
        at `Location` shows the progress.

        version: Version of a general model.
        """
        return self._call("POST", "/v1/models/{version}/activate", path={"version": version})

    def rollback_model(self, version: str) -> ModelVersion:
        """Return to the model that was served before this version.

        The path names the served version, so a repeated request does not go back twice. The previous model is
        loaded and verified, but not compared. The response shows the previous model, and the `check` field of the
        resource at `Location` shows the progress.

        version: Version of a general model.
        """
        return self._call("POST", "/v1/models/{version}/rollback", path={"version": version})

    def list_populations(self) -> PopulationVersions:
        """List the versions of the population, newest first."""
        return self._call("GET", "/v1/populations")

    def get_population(self, version: str) -> PopulationDetail:
        """Get a version of the population, with its identifiers and the coverage of its features.

        Shows for each feature how many users have a value, and how many values the served model does not know.
        The first request for a version reads the whole version, which takes seconds for millions of users.

        version: Version of the population.
        """
        return self._call("GET", "/v1/populations/{version}", path={"version": version})

    def get_population_changes(self, version: str, *, since: str | None = None) -> PopulationChanges:
        """Get the differences between two versions of the population.

        Counts users who were added or removed, and users whose features changed. The first request for two
        versions reads both versions, which takes seconds for millions of users.

        version: Version of the population.
        since: The population version to compare with.
        """
        return self._call("GET", "/v1/populations/{version}/changes", path={"version": version}, query={"since": since})

    def sample_population(
        self,
        *,
        size: int | None = None,
        feature: str | None = None,
        value: str | None = None,
    ) -> PopulationSample:
        """List the ids of a few users of the served population.

        Returns user ids with which you can try out the service. If `feature` and `value` are given, only users
        who have this value are returned. The sample is not random: it always contains the first users that were
        imported.

        size: Maximum number of users.
        feature: A user feature with tokens; requires `value`.
        value: A value that the returned users have; requires `feature`.
        """
        return self._call(
            "GET",
            "/v1/populations/current/sample",
            query={"size": size, "feature": feature, "value": value},
        )

    def activate_population(self, version: str) -> PopulationVersion:
        """Serve another version of the population.

        Checks the files of the version, and whether the version has the features that the served model needs. The
        version is then served, even after a restart. Other requests are answered during the check. New expansions
        use the new version, running expansions finish with the previous version, and audiences stay as they are.
        Campaigns whose refresh policy has `on_new_population` are expanded again. To go back, activate an earlier
        version. The next update still builds on the newest version, and a service that follows the population
        then serves the update.

        version: Version of the population.
        """
        return self._call("POST", "/v1/populations/{version}/activate", path={"version": version})

    def erase_user(
        self,
        user_id: str,
        *,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
    ) -> None:
        """Erase a user.

        After the response, the user is unknown to every look-up and appears in no page, export or difference of
        any audience version. Other users keep their ranks, and sizes stay the same. The user is removed from all
        seeds, suppression lists and feedback, will be in no future audience, and is left out of imports. If rules
        of the object storage keep versions of deleted files, their number is in a header, and in an audit log
        entry with the resource `kept_versions`. Otherwise, the response is the same for an id that was never in
        the population, and for a repeated request. After an error, repeat the request. An interrupted erasure is
        completed when the service starts again. Data that is sent later about the id is kept, as for any unknown
        user. With `identifier`, `rule` and `hashed=true`, the id is the hash of an identifier.

        user_id: Id of a user, 1 to 256 bytes.
        identifier: Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid`
        or `custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        hashed: Whether the identifiers are already hashed by the rule, in hex or Base64.
        country_code: Country code of the phone numbers that are written without one, such as `1`.
        """
        return self._call(
            "DELETE",
            "/v1/users/{user_id}",
            path={"user_id": user_id},
            query={"identifier": identifier, "rule": rule, "hashed": hashed, "country_code": country_code},
        )

    def erase_user_by_identifier(
        self,
        body: UserErase,
        *,
        identifier: str | None = None,
        rule: Literal[
            "adcp",
            "meta",
            "uid2",
            "google",
            "liveramp-sha256",
            "liveramp-md5",
            "liveramp-sha1",
            "sha256",
        ] | None = None,
        hashed: bool | None = None,
        country_code: str | None = None,
    ) -> None:
        """Erase a user whose id or identifier is in the body.

        Like `DELETE /v1/users/{user_id}`. With `identifier` and `rule`, `user_id` is a plain or hashed
        identifier, and its user is erased with all other identifiers. Plain identifiers are hashed before
        anything else.

        identifier: Type of the identifiers sent instead of user ids: `email`, `phone`, `maid`, `uid2`, `rampid`
        or `custom:<name>`. Each becomes the user id `<type>:<rule>:<hash>`.
        rule: Rule by which identifiers are normalised and hashed. Required with `identifier`.
        hashed: Whether the identifiers are already hashed by the rule, in hex or Base64.
        country_code: Country code of the phone numbers that are written without one, such as `1`.
        """
        return self._call(
            "POST",
            "/v1/users/erase",
            query={"identifier": identifier, "rule": rule, "hashed": hashed, "country_code": country_code},
            body=body,
        )

    def request_deletion(self, body: DeletionRequest) -> DeletionAcknowledgement:
        """Request the deletion of a user as a partner (IAB).

        The Data Deletion Request Framework of the IAB Tech Lab. A request of a trusted domain
        (`METAHEAC_DELETION_ISSUERS`) erases the user like `DELETE /v1/users/{user_id}`, before the response is
        sent. A hash is compared by each rule of its type. The response is the same for users who are not known.
        Needs no API key, because both tokens are signed. A refusal (400) also has an `acJWT`.
        """
        return self._call("POST", "/v1/deletion-requests", body=body)

    def get_deletion_participant(self) -> DeletionParticipant:
        """Describe how partners request deletions (IAB).

        The file that the Data Deletion Request Framework expects at the root of a domain.
        """
        return self._call("GET", "/dsrdelete.json")

    def create_webhook(self, body: WebhookCreate, *, idempotency_key: str | None = None) -> WebhookWithSecret:
        """Create a webhook.

        Events follow Standard Webhooks: a `POST` of `{"type","timestamp","data"}` with the headers `webhook-id`,
        `webhook-timestamp` and `webhook-signature` (`v1,` and the base64 HMAC-SHA256 of
        `<id>.<timestamp>.<body>`, one for each active secret). A 2xx response confirms the delivery, and 410
        disables the webhook. After any other response, the delivery is retried for a day, with increasing delays
        and not before the time in `Retry-After`. Redirects are not followed. Events are delivered at least once
        and in no particular order; `webhook-id` identifies duplicates. The first audience of a campaign is
        reported as `campaign.ready`, and later audiences as `campaign.refreshed`.

        idempotency_key: Unique key of the request. For 24 hours, a request with the same key and body gets the
        same response and creates nothing.
        """
        return self._call("POST", "/v1/webhooks", headers={"idempotency-key": idempotency_key}, body=body)

    def list_webhooks(self, *, limit: int | None = None, cursor: str | None = None) -> WebhookPage:
        """List webhooks, newest first.

        cursor: `next_cursor` of the previous page.
        """
        return self._call("GET", "/v1/webhooks", query={"limit": limit, "cursor": cursor})

    def iter_webhooks(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Webhook]:
        """Yield the items of all pages of `list_webhooks`."""
        return self._items(self.list_webhooks, limit=limit, cursor=cursor)

    def get_webhook(self, id: str) -> Webhook:
        """Get a webhook.

        id: Id of a webhook.
        """
        return self._call("GET", "/v1/webhooks/{id}", path={"id": id})

    def delete_webhook(self, id: str) -> None:
        """Delete a webhook and its deliveries.

        Pending deliveries are dropped. An attempt in progress is not interrupted.

        id: Id of a webhook.
        """
        return self._call("DELETE", "/v1/webhooks/{id}", path={"id": id})

    def update_webhook(self, id: str, body: WebhookUpdate, *, if_match: str | None = None) -> Webhook:
        """Change the URL, events, description or state of a webhook.

        If the URL changes, pending deliveries go to the new URL.

        id: Id of a webhook.
        if_match: `ETag` of the state that was read, or `*`. If the state has changed since, nothing is changed
        and the response is 412.
        """
        return self._call("PATCH", "/v1/webhooks/{id}", path={"id": id}, headers={"if-match": if_match}, body=body)

    def list_deliveries(
        self,
        id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: Literal["pending", "delivered", "failed"] | None = None,
    ) -> DeliveryPage:
        """List a webhook's deliveries, newest first.

        id: Id of a webhook.
        cursor: `next_cursor` of the previous page.
        """
        return self._call(
            "GET",
            "/v1/webhooks/{id}/deliveries",
            path={"id": id},
            query={"limit": limit, "cursor": cursor, "state": state},
        )

    def iter_deliveries(
        self,
        id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: Literal["pending", "delivered", "failed"] | None = None,
    ) -> Iterator[Delivery]:
        """Yield the items of all pages of `list_deliveries`."""
        return self._items(self.list_deliveries, id, limit=limit, cursor=cursor, state=state)

    def replay_delivery(self, id: str, delivery_id: str, *, idempotency_key: str | None = None) -> Delivery:
        """Send the event of a delivery again.

        Queues a new delivery with the same `webhook-id` and body. The new delivery is retried like any other.

        id: Id of a webhook.
        delivery_id: Id of a delivery of the webhook.
        idempotency_key: Unique key of the request. For 24 hours, a request with the same key and body gets the
        same response and creates nothing.
        """
        return self._call(
            "POST",
            "/v1/webhooks/{id}/deliveries/{delivery_id}/replay",
            path={"id": id, "delivery_id": delivery_id},
            headers={"idempotency-key": idempotency_key},
        )

    def rotate_webhook_secret(
        self,
        id: str,
        body: WebhookSecretRotate | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> WebhookWithSecret:
        """Replace a webhook's secret.

        Previous secrets keep signing together with the new secret for `grace_seconds`, so that receivers have
        time to switch. The body is optional.

        id: Id of a webhook.
        idempotency_key: Unique key of the request. For 24 hours, a request with the same key and body gets the
        same response and creates nothing.
        """
        return self._call(
            "POST",
            "/v1/webhooks/{id}/rotate",
            path={"id": id},
            headers={"idempotency-key": idempotency_key},
            body=body,
        )

    def ping_webhook(self, id: str, *, idempotency_key: str | None = None) -> Delivery:
        """Send a `webhook.ping` event.

        id: Id of a webhook.
        idempotency_key: Unique key of the request. For 24 hours, a request with the same key and body gets the
        same response and creates nothing.
        """
        return self._call(
            "POST",
            "/v1/webhooks/{id}/ping",
            path={"id": id},
            headers={"idempotency-key": idempotency_key},
        )

    def create_destination(
        self,
        body: DestinationCreateFolder | DestinationCreateS3,
        *,
        idempotency_key: str | None = None,
    ) -> Destination:
        """Create a destination.

        From now on, each audience version that becomes active is written to the folder or bucket, as
        `<campaign>/<version>/part-*`. Its `_manifest.json` is written last and lists the files with their sha256.
        `<campaign>/_active.json` names the active version. A delivery that fails is retried for a day, with
        increasing delays.

        idempotency_key: Unique key of the request. For 24 hours, a request with the same key and body gets the
        same response and creates nothing.
        """
        return self._call("POST", "/v1/destinations", headers={"idempotency-key": idempotency_key}, body=body)

    def list_destinations(self, *, limit: int | None = None, cursor: str | None = None) -> DestinationPage:
        """List destinations, newest first.

        cursor: `next_cursor` of the previous page.
        """
        return self._call("GET", "/v1/destinations", query={"limit": limit, "cursor": cursor})

    def iter_destinations(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Destination]:
        """Yield the items of all pages of `list_destinations`."""
        return self._items(self.list_destinations, limit=limit, cursor=cursor)

    def get_destination(self, id: str) -> Destination:
        """Get a destination.

        id: Id of a destination.
        """
        return self._call("GET", "/v1/destinations/{id}", path={"id": id})

    def delete_destination(self, id: str) -> None:
        """Delete a destination and its deliveries.

        Pending deliveries are dropped. Files that were delivered stay.

        id: Id of a destination.
        """
        return self._call("DELETE", "/v1/destinations/{id}", path={"id": id})

    def update_destination(self, id: str, body: DestinationUpdate, *, if_match: str | None = None) -> Destination:
        """Change what a destination receives, or pause or resume it.

        Pending deliveries use the new values. Versions delivered earlier are not written again.

        id: Id of a destination.
        if_match: `ETag` of the state that was read, or `*`. If the state has changed since, nothing is changed
        and the response is 412.
        """
        return self._call("PATCH", "/v1/destinations/{id}", path={"id": id}, headers={"if-match": if_match}, body=body)

    def list_destination_deliveries(
        self,
        id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: Literal["pending", "delivered", "failed"] | None = None,
    ) -> DeliveryPage:
        """List a destination's deliveries, newest first.

        id: Id of a destination.
        cursor: `next_cursor` of the previous page.
        """
        return self._call(
            "GET",
            "/v1/destinations/{id}/deliveries",
            path={"id": id},
            query={"limit": limit, "cursor": cursor, "state": state},
        )

    def iter_destination_deliveries(
        self,
        id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: Literal["pending", "delivered", "failed"] | None = None,
    ) -> Iterator[Delivery]:
        """Yield the items of all pages of `list_destination_deliveries`."""
        return self._items(self.list_destination_deliveries, id, limit=limit, cursor=cursor, state=state)

    def replay_destination_delivery(self, id: str, delivery_id: str, *, idempotency_key: str | None = None) -> Delivery:
        """Write the version of a delivery again.

        Queues a new delivery. Files that are unchanged in the destination are not written again.

        id: Id of a destination.
        delivery_id: Id of a delivery to the destination.
        idempotency_key: Unique key of the request. For 24 hours, a request with the same key and body gets the
        same response and creates nothing.
        """
        return self._call(
            "POST",
            "/v1/destinations/{id}/deliveries/{delivery_id}/replay",
            path={"id": id, "delivery_id": delivery_id},
            headers={"idempotency-key": idempotency_key},
        )

    def test_destination(self, id: str) -> DestinationTest:
        """Write and remove a small file.

        id: Id of a destination.
        """
        return self._call("POST", "/v1/destinations/{id}/test", path={"id": id})

    def create_key(self, body: KeyCreate) -> KeyWithSecret:
        """Create an API key.

        The operator creates the first key, with `metaheac keys create` or METAHEAC_API_KEY. While the service
        requires no key, the request is refused (`forbidden`), because otherwise the first caller could lock
        everyone else out.
        """
        return self._call("POST", "/v1/keys", body=body, is_repeatable=False)

    def list_keys(self, *, limit: int | None = None, cursor: str | None = None) -> KeyPage:
        """List API keys, newest first.

        The list includes revoked and expired keys. Secrets are never shown.

        cursor: `next_cursor` of the previous page.
        """
        return self._call("GET", "/v1/keys", query={"limit": limit, "cursor": cursor})

    def iter_keys(self, *, limit: int | None = None, cursor: str | None = None) -> Iterator[Key]:
        """Yield the items of all pages of `list_keys`."""
        return self._items(self.list_keys, limit=limit, cursor=cursor)

    def get_current_key(self) -> Caller:
        """Get the caller's permissions.

        Lets a program offer only the operations that its key permits. The route also works if no key is required.
        """
        return self._call("GET", "/v1/keys/current")

    def get_key(self, id: str) -> Key:
        """Get an API key, without its secret.

        id: Id of a key.
        """
        return self._call("GET", "/v1/keys/{id}", path={"id": id})

    def revoke_key(self, id: str) -> None:
        """Revoke an API key.

        All later requests with the key are refused. The key stays in the list of keys. Repeating the request
        changes nothing.

        id: Id of a key.
        """
        return self._call("DELETE", "/v1/keys/{id}", path={"id": id})

    def list_audit_entries(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Stream:
        """Export the audit log, oldest first, as a stream. Close it, or use it in a `with` statement.

        Shows what was changed, and by which key. The log has an entry for every successful request that changed
        something, and for every command that changes keys. Entries are written together with the change and never
        altered; old entries are removed after a while. Entries name no user and contain no key. To follow the
        log, continue from `X-Next-Cursor`, or from the time of the last entry.

        since: Start of the time range (inclusive). If the clock was set back, an entry counts as written at the
        latest time recorded before it, so a caller that continues from the time of the last entry misses no
        entries.
        until: End of the time range (exclusive). The time of an entry is determined as for `since`.
        cursor: `next_cursor` of the previous page.
        """
        return self._stream(
            "GET",
            "/v1/audit",
            query={"since": since, "until": until, "limit": limit, "cursor": cursor},
            accept="application/x-ndjson",
        )

    def get_liveness(self) -> Liveness:
        """Check whether the process is alive.

        Responds as long as the event loop runs. Nothing else is checked.
        """
        return self._call("GET", "/livez")

    def get_readiness(self) -> Readiness:
        """Check whether every part of the service is ready.

        Checks the engine (ready, with a recent heartbeat), the store (a row is written), the model, the
        population, free disk space and file descriptors. The store and the descriptors are checked at most once a
        second. A node of a cluster that cannot reach the database is `degraded` for a minute, during which it
        answers look-ups, and then no longer ready. Readiness does not wait for `warm`. Only callers who may read
        metrics see the versions, which part is not ready, and why.
        """
        return self._call("GET", "/readyz")

    def get_metrics(self) -> Stream:
        """Get the metrics for Prometheus, as a stream. Close it, or use it in a `with` statement."""
        return self._stream("GET", "/metrics", accept="text/plain")

    def get_status(self) -> Status:
        """Get the state of the service, with versions, queue, engine, disk and last errors.

        An overview for operators and their scripts, which names no user. `/metrics` has values for graphs.
        """
        return self._call("GET", "/v1/status")

    def confirm_clock(self) -> Clock:
        """Confirm that the machine's clock is right.

        After a jump of the machine's clock by more than an hour, the service keeps its own time until the clock
        has been stable for an hour. This call makes the service adopt the machine's time at once, so keys expire
        by the new time, and data that is too old by the new time is deleted. If the jump corrected a wrong clock,
        wait for an hour instead, so that keys and data do not age because of the correction. `GET /v1/status`
        shows the state of the clock.
        """
        return self._call("POST", "/v1/clock/confirm")
