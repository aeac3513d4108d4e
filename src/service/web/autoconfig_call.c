/* SPDX-License-Identifier: ISC */
#include "service/web/autoconfig_call.h"

#include <string.h>

#include "base/idn.h"
#include "http/form.h"
#include "os/clock.h"
#include "service/policy/own.h"
#include "service/web/autoconfig.h"
#include "store/store.h"

#define TYPE_XML "text/xml; charset=utf-8"
#define TYPE_JSON "application/json; charset=utf-8"
#define TYPE_TEXT "text/plain; charset=us-ascii"
#define TYPE_PAGE "text/html; charset=utf-8"
#define TYPE_PROFILE "application/x-apple-aspen-config"
#define NOTHING_HERE "There is nothing here."
#define HTTPS_PORT 443u

/* As DNS and Host fields have it; empty when it cannot be. */
static struct slice
ascii_of(struct arena *a, struct slice domain)
{
	BUF_OWNED struct buf ascii = { 0 };

	buf_init(&ascii, IDN_NAME_MAX);
	return idn_to_ascii(domain, &ascii, NULL) != 0 ? SLICE_EMPTY : arena_copy(a, buf_slice(&ascii));
}

/* What all documents are made from; in the call's arena. */
static int
settings_of(struct web_call *call, struct autoconfig *out, struct error *e)
{
	const struct store_nothing request = { 0 };
	struct store_domains reply;
	int rc = store_domain_list(call->service->ports.store, &request, &call->arena, &reply, e);

	for (size_t i = 0; rc == 0 && i < reply.domain_count; i++)
		reply.domains[i] = ascii_of(&call->arena, reply.domains[i]);
	if (rc == 0)
		*out = (struct autoconfig){ .hostname = call->service->settings.hostname,
			.domains = reply.domains,
			.domain_count = reply.domain_count,
			.ports = call->service->settings.ports,
			.oauth2 = call->service->settings.tokens };
	return rc;
}

/* Decoded, in the arena; empty when it is not there or cannot be. */
static struct slice
parameter(struct web_call *call, const char *name)
{
	BUF_OWNED struct buf text = { 0 };

	buf_init(&text, AUTOCONFIG_ADDRESS_MAX);
	if (http_form_value(call->query, name, &text, NULL) != 0)
		return SLICE_EMPTY;
	return arena_copy(&call->arena, buf_slice(&text));
}

/* The settings for the domain that is asked for; or the answer is made. */
static bool
asked(struct web_call *call, struct slice address, struct autoconfig *a)
{
	struct error e;

	if (settings_of(call, a, &e) != 0) {
		web_call_fail(call, &e);
		return false;
	}
	a->domain = autoconfig_domain(a, address, call->host);
	if (a->domain.len > 0 && autoconfig_is_useful(&a->ports))
		return true;
	web_call_say(call, 404, NOTHING_HERE);
	return false;
}

/* ---- Thunderbird and others ---- */

static void
work_thunderbird(struct web_call *call)
{
	struct autoconfig a;

	if (!asked(call, parameter(call, "emailaddress"), &a))
		return;
	(void)autoconfig_write_thunderbird(&a, &call->answer);
	web_call_finish(call, 200, TYPE_XML);
}

void
autoconfig_thunderbird(struct web_call *call)
{
	web_call_later(call, call->service->workers, work_thunderbird);
}

static void
work_page(struct web_call *call)
{
	struct autoconfig a;

	if (!asked(call, SLICE_EMPTY, &a))
		return;
	(void)autoconfig_write_page(&a, &call->answer);
	web_call_finish(call, 200, TYPE_PAGE);
}

void
autoconfig_page(struct web_call *call)
{
	web_call_later(call, call->service->workers, work_page);
}

/* ---- mail servers ---- */

static bool
is_ours(const struct autoconfig *a, struct slice domain)
{
	for (size_t i = 0; i < a->domain_count; i++)
		if (slice_ieq(a->domains[i], domain))
			return true;
	return false;
}

static void
work_sts(struct web_call *call)
{
	const struct service_settings *set = &call->service->settings;
	struct autoconfig a;
	struct error e;

	if (settings_of(call, &a, &e) != 0)
		web_call_fail(call, &e);
	else if (!is_ours(&a, slice_from(autoconfig_host_name(call->host), SLICE(OWN_STS_PREFIX).len)) ||
	    own_sts_policy(set->sts, set->hostname, &call->answer) != 0)
		web_call_say(call, 404, NOTHING_HERE);
	else
		web_call_finish(call, 200, TYPE_TEXT);
}

void
autoconfig_sts(struct web_call *call)
{
	web_call_later(call, call->service->workers, work_sts);
}

/* ---- Outlook ---- */

/* Its errors are documents too, with status 200. */
static void
work_outlook(struct web_call *call)
{
	struct autoconfig_outlook want;
	struct autoconfig a;
	struct error e;
	BUF_OWNED struct buf text = { 0 };

	buf_init(&text, AUTOCONFIG_ADDRESS_MAX + 100);
	if (settings_of(call, &a, &e) != 0) {
		web_call_fail(call, &e);
		return;
	}
	if (autoconfig_read_outlook(call->body, &text, &want, NULL) != 0) {
		(void)autoconfig_write_outlook_error(600, clock_unix(), &call->answer);
	} else if (want.other_schema || !autoconfig_is_useful(&a.ports)) {
		(void)autoconfig_write_outlook_error(601, clock_unix(), &call->answer);
	} else {
		a.domain = autoconfig_domain(&a, want.address, call->host);
		if (a.domain.len == 0)
			(void)autoconfig_write_outlook_error(500, clock_unix(), &call->answer);
		else
			(void)autoconfig_write_outlook(&a, want.address, &call->answer);
	}
	web_call_finish(call, 200, TYPE_XML);
}

void
autoconfig_outlook(struct web_call *call)
{
	web_call_later(call, call->service->workers, work_outlook);
}

/* .../autodiscover.json/v1.0/ADDRESS, or the parameter Email. */
static struct slice
json_address(struct web_call *call)
{
	const struct slice version = SLICE("/v1.0/");
	size_t at = slice_search(call->path, version);
	BUF_OWNED struct buf text = { 0 };

	buf_init(&text, AUTOCONFIG_ADDRESS_MAX);
	if (at == SIZE_MAX)
		return parameter(call, "Email");
	if (http_percent_decode(slice_from(call->path, at + version.len), false, &text, NULL) != 0)
		return SLICE_EMPTY;
	return arena_copy(&call->arena, buf_slice(&text));
}

static void
work_outlook_json(struct web_call *call)
{
	struct autoconfig a;
	bool known;

	if (!asked(call, json_address(call), &a))
		return;
	known = autoconfig_write_outlook_json(&a, parameter(call, "Protocol"), &call->answer);
	web_call_finish(call, known ? 200 : 400, TYPE_JSON);
}

void
autoconfig_outlook_json(struct web_call *call)
{
	web_call_later(call, call->service->workers, work_outlook_json);
}

/* ---- Apple ---- */

static void
work_apple(struct web_call *call)
{
	struct slice address = parameter(call, "emailaddress");
	struct autoconfig a;
	struct error e;

	if (!slice_ends(call->path, SLICE(".mobileconfig"))) {
		web_call_say(call, 404, NOTHING_HERE);
		return;
	}
	if (address.len > 0 && !autoconfig_is_address(address)) {
		web_call_say(call, 400, "'emailaddress' is no address.");
		return;
	}
	if (!asked(call, address, &a))
		return;
	if (autoconfig_write_apple(&a, address, &call->answer, &e) != 0)
		web_call_fail(call, &e);
	else
		web_call_finish(call, 200, TYPE_PROFILE);
}

void
autoconfig_apple(struct web_call *call)
{
	web_call_later(call, call->service->workers, work_apple);
}

/* ---- to TLS ---- */

static struct slice
place_over_tls(struct web_call *call, struct slice name, unsigned port)
{
	struct slice colon = port == HTTPS_PORT ? SLICE_EMPTY : arena_printf(&call->arena, ":%u", port);

	return arena_printf(&call->arena, "https://%.*s%.*s%.*s%s%.*s", (int)name.len, (const char *)name.data,
	    (int)colon.len, colon.len == 0 ? "" : (const char *)colon.data, (int)call->path.len,
	    (const char *)call->path.data, call->query.len == 0 ? "" : "?", (int)call->query.len,
	    call->query.len == 0 ? "" : (const char *)call->query.data);
}

/* Only for our names: or a stranger's link would lead through us to anywhere. */
static void
work_to_tls(struct web_call *call)
{
	struct slice name = autoconfig_host_name(call->host);
	struct autoconfig a;
	struct error e;

	if (settings_of(call, &a, &e) != 0) {
		web_call_fail(call, &e);
		return;
	}
	if (a.ports.https == 0 || !autoconfig_is_our_name(&a, name) || !slice_starts(call->path, SLICE("/"))) {
		web_call_say(call, 404, NOTHING_HERE);
		return;
	}
	call->fields[0] = (struct http_field){ SLICE("Location"), place_over_tls(call, name, a.ports.https) };
	call->field_count = 1;
	if (call->arena.err != 0)
		web_call_say(call, 503, "There is no memory for this.");
	else
		web_call_say(call, 302, "This is over TLS.");
}

void
autoconfig_to_tls(struct web_call *call)
{
	web_call_later(call, call->service->workers, work_to_tls);
}
