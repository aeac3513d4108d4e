/* SPDX-License-Identifier: ISC */
/* A journey on a terminal, and in JSON. All names in it are others' words. */
#include <stdio.h>

#include "base/date.h"
#include "base/printable.h"
#include "client/journey.h"
#include "os/clock.h"
#include "os/terminal.h"

#define NAME_MAX_OCTETS 300u
#define MINUTE_S 60
#define HOUR_S 3600

struct printer {
	bool signs, colour;
};

static void
put(const char *before, struct slice text, const char *after)
{
	BUF_OWNED struct buf b = { .max = 4 * NAME_MAX_OCTETS };

	(void)printable_put(&b, text, PRINTABLE_LINE, NAME_MAX_OCTETS);
	(void)printf("%s%.*s%s", before, (int)b.len, b.len == 0 ? "" : (const char *)b.data, after);
}

/* ---- times ---- */

static void
put_span(struct buf *out, int64_t seconds)
{
	if (seconds < 2 * MINUTE_S)
		(void)buf_putf(out, "%lld s", (long long)seconds);
	else if (seconds < 2 * HOUR_S)
		(void)buf_putf(out, "%lld min", (long long)(seconds / MINUTE_S));
	else if (seconds < 2 * (int64_t)DATE_DAY)
		(void)buf_putf(out, "%lld h", (long long)(seconds / HOUR_S));
	else
		(void)buf_putf(out, "%lld days", (long long)(seconds / DATE_DAY));
}

/* What is to be said of the time between two lines; appends nothing where all is usual. */
static void
put_oddity(struct buf *out, const struct journey_hop *hop)
{
	if (!hop->timed || (hop->delay >= -JOURNEY_ODD_S && hop->delay < JOURNEY_LONG_S))
		return;
	if (hop->delay < 0) {
		(void)buf_put_str(out, "its clock is ");
		put_span(out, -hop->delay);
		(void)buf_put_str(out, " behind that of the line before, or one of the two was made up");
	} else {
		(void)buf_put_str(out, "it took ");
		put_span(out, hop->delay);
		(void)buf_put_str(out, " to come here: it waited, or the clocks differ");
	}
}

static void
print_time(const struct journey_hop *hop)
{
	BUF_OWNED struct buf text = { .max = 200 };

	if (!hop->line.dated) {
		(void)fputs("     at a time that is not told", stdout);
		return;
	}
	(void)date_write_short(&text, hop->line.when, clock_zone(hop->line.when));
	if (hop->timed && hop->delay >= 0) {
		(void)buf_put_str(&text, ", after ");
		put_span(&text, hop->delay);
	}
	(void)printf("     %.*s", (int)text.len, text.len == 0 ? "" : (const char *)text.data);
}

/* ---- one server ---- */

static void
print_way(const struct printer *p, size_t n, const struct journey_hop *hop)
{
	const struct mime_received *r = &hop->line;

	(void)printf("%3zu  ", n);
	if (r->from.len > 0)
		put("", r->from, "");
	else
		(void)fputs(r->local ? "a program on the same machine" : "somebody", stdout);
	if (r->address.len > 0)
		put(" (", r->address, "");
	if (r->address.len > 0 && r->name.len > 0 && !slice_ieq(r->name, r->from))
		put(", in DNS ", r->name, "");
	(void)fputs(r->address.len > 0 ? ")" : "", stdout);
	put(p->signs ? " → " : " -> ", r->by.len > 0 ? r->by : SLICE("a server without a name"), "\n");
}

static void
print_protection(const struct printer *p, const struct journey_hop *hop)
{
	const struct mime_received *r = &hop->line;
	const char *sign = r->local ? "·" : r->encrypted ? "✔" : "✖";
	const char *plain = r->local ? "-" : r->encrypted ? "+" : "x";

	(void)printf("     %s ", p->signs ? sign : plain);
	if (r->local)
		(void)fputs("on one machine, over no network", stdout);
	else
		(void)fputs(r->encrypted ? "encrypted" : "not encrypted, as far as the line says", stdout);
	if (r->tls_version.len > 0)
		put(" with ", r->tls_version, "");
	if (r->tls_cipher.len > 0)
		put(r->tls_version.len > 0 ? ", " : " with ", r->tls_cipher, "");
	if (r->with.len > 0)
		put(" (", r->with, r->authenticated ? "; the sender had signed in)" : ")");
	(void)fputc('\n', stdout);
}

static void
print_hop(const struct printer *p, size_t n, const struct journey_hop *hop)
{
	BUF_OWNED struct buf odd = { .max = 300 };

	if (!hop->read) {
		(void)printf("%3zu  a line that cannot be understood\n", n);
		return;
	}
	print_way(p, n, hop);
	print_protection(p, hop);
	print_time(hop);
	(void)fputs(hop->sure ? "; sure, it is the line of your own server\n" : "; only claimed", stdout);
	if (!hop->sure && hop->line.by.len > 0)
		put(", by ", hop->line.by, "");
	(void)fputs(hop->sure ? "" : "\n", stdout);
	if (!hop->connected)
		(void)puts("     it came from another name than that of the line before");
	put_oddity(&odd, hop);
	if (odd.len > 0)
		(void)printf("     ! %.*s\n", (int)odd.len, (const char *)odd.data);
}

/* ---- the rest ---- */

static void
print_one_result(const struct auth_result *r, bool first)
{
	put(first ? " " : ", ", r->method, "=");
	put("", r->result, "");
	for (size_t i = 0; i < r->property_count; i++) {
		const struct auth_property *p = &r->properties[i];

		put(i == 0 ? " (" : "; ", p->type, ".");
		put("", p->name, " ");
		put("", p->value, i + 1 == r->property_count ? ")" : "");
	}
}

static void
print_results(const struct journey *j)
{
	for (size_t i = 0; i < j->result_count; i++) {
		const struct journey_result *r = &j->results[i];

		(void)fputs(i == 0 ? "\nWho the sender is, as servers found out:\n" : "", stdout);
		put(r->sure ? "  your server " : "  claimed by ", r->fields.server, ":");
		for (size_t k = 0; k < r->fields.count; k++)
			print_one_result(&r->fields.results[k], k == 0);
		(void)fputs(r->fields.count == 0 ? " nothing\n" : "\n", stdout);
	}
}

static void
print_reports(const struct journey *j)
{
	for (size_t i = 0; i < j->report_count; i++) {
		const struct journey_report *r = &j->reports[i];

		(void)fputs(
		    i == 0 ? "\nWhat became of the letter that this report is about, as its writer says:\n" : "",
		    stdout);
		put("  ", r->recipient, ": ");
		put("", r->action, "");
		if (r->status.len > 0)
			put(" (", r->status, ")");
		if (r->server.len > 0)
			put(" at ", r->server, "");
		put(r->words.len > 0 ? ": " : "", r->words, "\n");
	}
}

static void
print_summary(const struct journey *j)
{
	size_t encrypted = 0, clear = 0;

	for (size_t i = 0; i < j->hop_count; i++) {
		encrypted += j->hops[i].read && !j->hops[i].line.local && j->hops[i].line.encrypted;
		clear += j->hops[i].read && !j->hops[i].line.local && !j->hops[i].line.encrypted;
	}
	if (j->hop_count == 0) {
		(void)puts("No server wrote a line about this letter: it was put into the mailbox.");
		return;
	}
	(void)printf("Over the network %zu time%s, %zu of them encrypted as far as the lines say.\n", encrypted + clear,
	    encrypted + clear == 1 ? "" : "s", encrypted);
	if (j->ours.len == 0)
		(void)puts("No line is by a server that you know, so nothing of this is sure.");
}

void
journey_print(const struct journey *j)
{
	const struct printer p = { .signs = terminal_utf8(), .colour = terminal_colour(1) };

	print_summary(j);
	for (size_t i = 0; i < j->hop_count; i++)
		print_hop(&p, i + 1, &j->hops[i]);
	if (j->more)
		(void)printf("There are more lines than %u; these are the last ones.\n", JOURNEY_HOPS_MAX);
	print_results(j);
	print_reports(j);
}

/* ---- JSON ---- */

static void
set(struct json_value *o, const char *name, struct slice text)
{
	if (text.len > 0)
		json_value_set_text(o, name, text);
}

static struct json_value *
hop_json(const struct journey_hop *hop)
{
	struct json_value *o = json_value_object();
	const struct mime_received *r = &hop->line;
	BUF_OWNED struct buf text = { .max = 300 };

	json_value_set_bool(o, "sure", hop->sure);
	json_value_set_bool(o, "understood", hop->read);
	set(o, "from", r->from);
	set(o, "from_dns", r->name);
	set(o, "from_address", r->address);
	set(o, "by", r->by);
	set(o, "via", r->via);
	set(o, "with", r->with);
	set(o, "id", r->id);
	set(o, "for", r->recipient);
	json_value_set_bool(o, "encrypted", r->encrypted);
	json_value_set_bool(o, "signed_in", r->authenticated);
	json_value_set_bool(o, "local", r->local);
	set(o, "tls", r->tls_version);
	set(o, "cipher", r->tls_cipher);
	if (r->dated && date_write_rfc3339(&text, r->when) == 0)
		json_value_set_text(o, "time", buf_slice(&text));
	if (hop->timed)
		json_value_set_i64(o, "delay", hop->delay);
	json_value_set_bool(o, "connected", hop->connected);
	buf_clear(&text);
	put_oddity(&text, hop);
	set(o, "odd", buf_slice(&text));
	return o;
}

static struct json_value *
result_json(const struct journey_result *r)
{
	struct json_value *o = json_value_object(), *list = json_value_list();

	set(o, "server", r->fields.server);
	json_value_set_bool(o, "sure", r->sure);
	for (size_t i = 0; i < r->fields.count; i++) {
		const struct auth_result *one = &r->fields.results[i];
		struct json_value *x = json_value_object(), *properties = json_value_object();

		set(x, "method", one->method);
		set(x, "result", one->result);
		set(x, "reason", one->reason);
		for (size_t k = 0; k < one->property_count; k++) {
			char name[100];

			(void)snprintf(name, sizeof name, "%.*s.%.*s", (int)size_min(one->properties[k].type.len, 40),
			    (const char *)one->properties[k].type.data, (int)size_min(one->properties[k].name.len, 40),
			    (const char *)one->properties[k].name.data);
			json_value_set_text(properties, name, one->properties[k].value);
		}
		json_value_set(x, "properties", properties);
		json_value_append(list, x);
	}
	json_value_set(o, "results", list);
	return o;
}

static struct json_value *
report_json(const struct journey_report *r)
{
	struct json_value *o = json_value_object();

	set(o, "recipient", r->recipient);
	set(o, "action", r->action);
	set(o, "status", r->status);
	set(o, "server", r->server);
	set(o, "words", r->words);
	return o;
}

struct json_value *
journey_json(const struct journey *j)
{
	struct json_value *o = json_value_object(), *hops = json_value_list(), *results = json_value_list(),
			  *reports = json_value_list();

	set(o, "our_server", j->ours);
	for (size_t i = 0; i < j->hop_count; i++)
		json_value_append(hops, hop_json(&j->hops[i]));
	for (size_t i = 0; i < j->result_count; i++)
		json_value_append(results, result_json(&j->results[i]));
	for (size_t i = 0; i < j->report_count; i++)
		json_value_append(reports, report_json(&j->reports[i]));
	json_value_set(o, "hops", hops);
	json_value_set(o, "results", results);
	json_value_set(o, "reports", reports);
	return o;
}
