/* SPDX-License-Identifier: ISC */
/* letterlockd queue: mail that waits for other servers, why it waits, and what is to become of it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "base/printable.h"
#include "daemon/place.h"
#include "daemon/verbs.h"
#include "os/clock.h"
#include "service/queue/queue.h"
#include "store/store.h"

#define REPLY_BUDGET (32u << 20)
#define SHOWN_RECIPIENTS 4u /* of one message in a list */
#define REASON_MAX 2048u
#define LINE_ROOM (4u * REASON_MAX) /* of one printed: an address, a reason, and escapes of a host's name */

#define ARGS(s) (int)(s).len, (const char *)(s).data

/* ---- which ---- */

/* A number is a message; with an "@" inside it is a sender; "all" is all; else it is a domain. */
static void
take_which(const char *word, struct store_queue_list *out)
{
	struct slice text = slice_str(word);

	if (word == NULL || strcmp(word, "all") == 0) {
		out->which = STORE_QUEUE_ALL;
	} else if (slice_to_u64(text, INT64_MAX, &out->queue)) {
		out->which = STORE_QUEUE_ONE;
	} else if (slice_find(text, '@') != SIZE_MAX && text.data[0] != '@') {
		out->which = STORE_QUEUE_SENDER;
		out->value = text;
	} else {
		out->which = STORE_QUEUE_DOMAIN;
		out->value = text.len > 0 && text.data[0] == '@' ? slice_from(text, 1) : text;
	}
}

/* ---- why it waits ---- */

/* What servers say, and addresses that people made up, drive no terminal. */
static void
put_clean(struct buf *b, struct slice text)
{
	(void)printable_put(b, text, PRINTABLE_LINE, REASON_MAX);
}

static void
put_until(struct buf *b, uint64_t when, uint64_t now)
{
	uint64_t s = when > now ? when - now : 0;

	if (s < 5)
		(void)buf_put_str(b, "; next try now");
	else if (s < 120)
		(void)buf_putf(b, "; next try in %" PRIu64 " seconds", s);
	else if (s < 7200)
		(void)buf_putf(b, "; next try in %" PRIu64 " minutes", s / 60);
	else
		(void)buf_putf(b, "; next try in %" PRIu64 " hours", s / 3600);
}

static bool
is_reply(struct slice text)
{
	return text.len >= 3 && (text.data[0] == '4' || text.data[0] == '5') && text.data[1] >= '0' &&
	    text.data[1] <= '9';
}

static void
put_said(struct buf *b, const struct store_queue_recipient *r)
{
	if (is_reply(r->last_text) && r->last_host.len > 0) {
		(void)buf_put_str(b, "its server ");
		put_clean(b, r->last_host);
		(void)buf_put_str(b, " said ");
	} else if (is_reply(r->last_text)) {
		(void)buf_put_str(b, "its server said ");
	}
	put_clean(b, r->last_text);
}

/* "gmail.com: its server said 451 ...; next try in 12 minutes". */
static void
put_reason(struct buf *b, const struct store_queue_message *m, const struct store_queue_recipient *r, uint64_t now)
{
	put_clean(b, r->domain);
	(void)buf_put_str(b, ": ");
	if (r->leased) {
		(void)buf_put_str(b, "it is being tried");
		return;
	}
	if (r->until > now && r->reason.len > 0)
		put_clean(b, r->reason);
	else if (r->last_text.len > 0)
		put_said(b, r);
	else
		(void)buf_put_str(b, "not tried yet");
	if (m->held != 0)
		(void)buf_put_str(b, "; it is held");
	else
		put_until(b, r->due > r->until ? r->due : r->until, now);
}

/* ---- saying it ---- */

static struct json_value *
recipient_json(const struct store_queue_message *m, const struct store_queue_recipient *r, uint64_t now)
{
	struct json_value *o = json_value_object();
	struct buf reason;

	buf_init(&reason, REASON_MAX);
	put_reason(&reason, m, r, now);
	json_value_set_text(o, "recipient", r->address);
	json_value_set_text(o, "domain", r->domain);
	json_value_set_i64(o, "attempts", r->attempts);
	json_value_set_text(o, "status", r->last_status);
	json_value_set_text(o, "text", r->last_text);
	json_value_set_text(o, "reason", buf_slice(&reason));
	if (m->held == 0)
		json_value_set_i64(o, "next", (int64_t)(r->due > r->until ? r->due : r->until));
	buf_done(&reason);
	return o;
}

static void
message_json(const struct store_queue_message *m, uint64_t now)
{
	struct json_value *o = json_value_object(), *recipients = json_value_list();

	json_value_set_i64(o, "queue", (int64_t)m->queue);
	json_value_set_text(o, "sender", m->sender);
	json_value_set_i64(o, "size", (int64_t)m->size);
	json_value_set_i64(o, "created", (int64_t)m->created);
	json_value_set_i64(o, "expires", (int64_t)m->expires);
	json_value_set_bool(o, "held", m->held != 0);
	json_value_set_i64(o, "recipient_count", m->recipient_total);
	for (size_t i = 0; i < m->recipient_count; i++)
		json_value_append(recipients, recipient_json(m, &m->recipients[i], now));
	json_value_set(o, "recipients", recipients);
	verb_print_json(o);
}

static void
message_text(const struct store_queue_message *m, uint64_t now)
{
	struct buf line;
	struct slice sender = m->sender.len > 0 ? m->sender : SLICE("<> (a report)");

	buf_init(&line, LINE_ROOM);
	(void)date_write_rfc3339(&line, (int64_t)m->created);
	(void)buf_putf(&line, "\t%" PRIu64 " octets\tfrom ", m->size);
	put_clean(&line, sender);
	(void)printf("%" PRIu64 "\t%.*s\n", m->queue, ARGS(buf_slice(&line)));
	for (size_t i = 0; i < m->recipient_count; i++) {
		buf_clear(&line);
		put_clean(&line, m->recipients[i].address);
		(void)buf_put_u8(&line, '\t');
		put_reason(&line, m, &m->recipients[i], now);
		(void)printf("\t%.*s\n", ARGS(buf_slice(&line)));
	}
	if (m->recipient_total > m->recipient_count)
		(void)printf("\tand %" PRIu64 " more; letterlockd queue show %" PRIu64 "\n",
		    (uint64_t)m->recipient_total - m->recipient_count, m->queue);
	buf_done(&line);
}

static int
queue_list(struct place *p, const struct verb_input *in, struct error *e)
{
	struct store_queue_list request = { .recipients_max = SHOWN_RECIPIENTS };
	uint64_t now = clock_unix();
	bool more = true;

	take_which(in->word_count > 1 ? in->words[1] : NULL, &request);
	while (more) {
		struct store_queue_messages reply;
		ARENA_OWNED struct arena a = { 0 };
		int rc;

		arena_init(&a, REPLY_BUDGET);
		rc = store_queue_list(p->port, &request, &a, &reply, e);
		if (rc != 0)
			return rc;
		for (size_t i = 0; i < reply.row_count; i++) {
			if (in->json)
				message_json(&reply.rows[i], now);
			else
				message_text(&reply.rows[i], now);
			request.after = reply.rows[i].queue;
		}
		more = reply.more && reply.row_count > 0;
	}
	return 0;
}

/* ---- one message, and what happened to it ---- */

static const char *const results[] = { "", "delivered", "failed", "deferred", "returned" };
static const char *const verified[] = { "no TLS", "TLS, its certificate unverified",
	"TLS, certificate valid for its name", "TLS, certificate by DANE", "TLS, a pinned certificate" };
static const char *const policies[] = { "none", "dane", "mta-sts", "requiretls", "operator" };

static const char *
word_of(const char *const *words, size_t count, uint32_t i)
{
	return i < count ? words[i] : "";
}
#define WORD(list, i) word_of(list, sizeof(list) / sizeof(list)[0], i)

static void
event_json(const struct store_queue_event *v)
{
	struct json_value *o = json_value_object();

	json_value_set_i64(o, "happened", (int64_t)v->happened);
	json_value_set_str(o, "result", WORD(results, v->result));
	json_value_set_text(o, "recipient", v->recipient);
	json_value_set_text(o, "status", v->status);
	json_value_set_text(o, "text", v->text);
	json_value_set_text(o, "mx", v->facts.mx_name);
	json_value_set_text(o, "address", v->facts.mx_address);
	json_value_set_text(o, "tls_version", v->facts.tls_version);
	json_value_set_text(o, "tls_cipher", v->facts.tls_cipher);
	json_value_set_str(o, "tls", WORD(verified, v->facts.tls_verified));
	json_value_set_str(o, "policy", WORD(policies, v->facts.policy));
	json_value_set_text(o, "policy_source", v->facts.policy_source);
	verb_print_json(o);
}

/* " (TLSv1.3 TLS_AES_256_GCM_SHA384, certificate by DANE; DANE, TLSA records of mx.example.org)" */
static void
put_facts(struct buf *line, const struct store_queue_event *v)
{
	struct slice words = slice_str(WORD(verified, v->facts.tls_verified));

	(void)buf_put_str(line, " (");
	if (v->facts.tls_version.len > 0 && slice_starts(words, SLICE("TLS"))) {
		put_clean(line, v->facts.tls_version);
		(void)buf_put_str(line, " ");
		put_clean(line, v->facts.tls_cipher);
		words = slice_from(words, 3);
	}
	(void)buf_put_slice(line, words);
	if (v->facts.policy_source.len > 0) {
		(void)buf_put_str(line, "; ");
		put_clean(line, v->facts.policy_source);
	}
	(void)buf_put_str(line, ")");
}

static void
event_text(const struct store_queue_event *v)
{
	struct buf line;

	buf_init(&line, LINE_ROOM);
	(void)date_write_rfc3339(&line, (int64_t)v->happened);
	(void)buf_putf(&line, "\t%s\t", WORD(results, v->result));
	put_clean(&line, v->recipient);
	(void)buf_put_u8(&line, '\t');
	put_clean(&line, v->text);
	if (v->facts.mx_name.len > 0) {
		(void)buf_put_str(&line, "\t");
		put_clean(&line, v->facts.mx_name);
		put_facts(&line, v);
	}
	(void)printf("%.*s\n", ARGS(buf_slice(&line)));
	buf_done(&line);
}

static int
show_events(struct place *p, const struct verb_input *in, uint64_t queue, bool *any_out, struct error *e)
{
	struct store_queue_log request = { .queue = queue };
	bool more = true;

	while (more) {
		struct store_queue_events reply;
		ARENA_OWNED struct arena a = { 0 };
		int rc;

		arena_init(&a, REPLY_BUDGET);
		rc = store_queue_log(p->port, &request, &a, &reply, e);
		if (rc != 0)
			return rc;
		for (size_t i = 0; i < reply.row_count; i++) {
			if (in->json)
				event_json(&reply.rows[i]);
			else
				event_text(&reply.rows[i]);
			request.after = reply.rows[i].entry;
			*any_out = true;
		}
		more = reply.more && reply.row_count > 0;
	}
	return 0;
}

static int
queue_show(struct place *p, const struct verb_input *in, struct error *e)
{
	struct store_queue_id id;
	struct store_queue_message m;
	struct error gone;
	ARENA_OWNED struct arena a = { 0 };
	bool any = false;
	int rc, found;

	if (!slice_to_u64(slice_str(in->words[1]), INT64_MAX, &id.queue))
		return error_set(
		    e, ERR_USAGE, "a message of the queue has a number, as letterlockd queue list says it");
	arena_init(&a, REPLY_BUDGET);
	found = store_queue_get(p->port, &id, &a, &m, &gone);
	if (found == 0 && in->json)
		message_json(&m, clock_unix());
	else if (found == 0)
		message_text(&m, clock_unix());
	rc = found == 0 || found == ERR_NOT_FOUND ? show_events(p, in, id.queue, &any, e) : found;
	if (found != 0 && (rc != 0 || !any) && e != NULL)
		*e = gone;
	return found != 0 && (rc != 0 || !any) ? found : rc;
}

/* ---- destinations ---- */

static void
print_domain(const struct store_queue_domain *d, bool json, uint64_t now)
{
	struct json_value *o;
	struct buf line;

	buf_init(&line, REASON_MAX);
	if (d->until > now)
		put_clean(&line, d->reason);
	if (json) {
		o = json_value_object();
		json_value_set_text(o, "domain", d->domain);
		json_value_set_i64(o, "recipients", (int64_t)d->recipients);
		json_value_set_text(o, "reason", buf_slice(&line));
		if (d->due < STORE_QUEUE_NEVER)
			json_value_set_i64(o, "next", (int64_t)d->due);
		verb_print_json(o);
	} else {
		if (d->due < STORE_QUEUE_NEVER)
			put_until(&line, d->due, now);
		else
			(void)buf_put_str(&line, "; it is held");
		(void)printf("%.*s\t%" PRIu64 "\t%.*s\n", ARGS(d->domain), d->recipients,
		    ARGS(slice_from(buf_slice(&line), d->until > now ? 0 : 2)));
	}
	buf_done(&line);
}

static int
queue_domains(struct place *p, const struct verb_input *in, struct error *e)
{
	uint8_t after[STORE_DOMAIN_MAX] = { 0 };
	struct store_queue_domain_list request = { .after = slice_of(after, 0) };
	uint64_t now = clock_unix();
	bool more = true;

	while (more) {
		struct store_queue_domains reply;
		ARENA_OWNED struct arena a = { 0 };
		int rc;

		arena_init(&a, REPLY_BUDGET);
		rc = store_queue_domains(p->port, &request, &a, &reply, e);
		if (rc != 0)
			return rc;
		for (size_t i = 0; i < reply.row_count; i++)
			print_domain(&reply.rows[i], in->json, now);
		more = reply.more && reply.row_count > 0;
		if (more) {
			struct slice last = reply.rows[reply.row_count - 1].domain;

			memcpy(after, last.data, size_min(last.len, sizeof after));
			request.after = slice_of(after, size_min(last.len, sizeof after));
		}
	}
	return 0;
}

/* ---- changes ---- */

static int
change(struct place *p, const char *what, uint32_t action, const char *done, struct error *e)
{
	struct store_queue_list which = { 0 };
	struct store_queue_change request = { .action = action };
	struct store_queue_changed reply = { .more = true };
	uint64_t count = 0;
	int rc = 0;

	take_which(what, &which);
	request.which = which.which;
	request.value = which.value;
	request.queue = which.queue;
	while (rc == 0 && reply.more) {
		ARENA_OWNED struct arena a = { 0 };

		arena_init(&a, REPLY_BUDGET);
		rc = store_queue_change(p->port, &request, &a, &reply, e);
		count += rc == 0 ? reply.changed : 0;
		request.after = reply.after;
	}
	if (rc == 0)
		(void)printf("%" PRIu64 " %s %s.\n", count, count == 1 ? "message" : "messages", done);
	return rc;
}

static int
queue_hold(struct place *p, const struct verb_input *in, struct error *e)
{
	return change(p, in->words[1], STORE_QUEUE_HOLD, "held", e);
}

static int
queue_release(struct place *p, const struct verb_input *in, struct error *e)
{
	return change(p, in->words[1], STORE_QUEUE_RELEASE, "released", e);
}

static int
queue_retry(struct place *p, const struct verb_input *in, struct error *e)
{
	return change(p, in->words[1], STORE_QUEUE_RETRY, "tried again at once", e);
}

static int
queue_flush(struct place *p, const struct verb_input *in, struct error *e)
{
	(void)in;
	return change(p, "all", STORE_QUEUE_RETRY, "tried again at once", e);
}

static int
queue_remove(struct place *p, const struct verb_input *in, struct error *e)
{
	return change(p, in->words[1], STORE_QUEUE_REMOVE, "removed; nobody is told", e);
}

/* ---- the verb ---- */

static const struct {
	const char *name;
	int least, most; /* words behind it */
	bool writes;
	int (*run)(struct place *p, const struct verb_input *in, struct error *e);
} words[] = {
	{ "list", 0, 1, false, queue_list },
	{ "show", 1, 1, false, queue_show },
	{ "domains", 0, 0, false, queue_domains },
	{ "retry", 1, 1, true, queue_retry },
	{ "flush", 0, 0, true, queue_flush },
	{ "hold", 1, 1, true, queue_hold },
	{ "release", 1, 1, true, queue_release },
	{ "remove", 1, 1, true, queue_remove },
};

int
verb_queue(const struct verb_input *in)
{
	struct place p;
	struct error e;
	int rc;

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (in->word_count < 1 + words[i].least || in->word_count > 1 + words[i].most ||
		    strcmp(in->words[0], words[i].name) != 0)
			continue;
		rc = place_reach(in->config, words[i].writes, &p, &e);
		if (rc != 0)
			return verb_failed(&e);
		rc = words[i].run(&p, in, &e);
		place_close(&p);
		return rc == 0 ? EXIT_DONE : verb_failed(&e);
	}
	(void)error_set(&e, ERR_USAGE,
	    "say queue list [WHAT], show NUMBER, domains, flush, or retry, hold, release or remove WHAT; WHAT is a "
	    "number, a "
	    "domain, a sender's address, or all");
	return verb_failed(&e);
}
