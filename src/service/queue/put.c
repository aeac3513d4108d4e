/* SPDX-License-Identifier: ISC */
/*
 * Letters coming in. Each recipient is an inbox here, an address elsewhere
 * (its own, or by an alias), or an SRS address that we made: what bounces goes
 * back to whom we forwarded for. A stranger's letter goes elsewhere only by
 * what is ours.
 */
#include <string.h>
#include <sys/statvfs.h>

#include "base/idn.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "mailauth/srs.h"
#include "os/clock.h"
#include "os/log.h"
#include "service/limits.h"
#include "service/queue/internal.h"
#include "smtp/dsn.h"

#define DISK_RESERVE ((uint64_t)256 << 20) /* octets that stay free: mail for people here comes first */

/* ---- who gets it ---- */

struct resolving {
	struct queue *queue;
	const struct queue_rules *rules;
	const struct queue_letter *in;
	struct arena *a;
	struct store_target *targets;
	size_t target_count, target_room;
	struct store_queue_to *to;
	size_t to_count;
	bool forwards;             /* by an alias, or back where it came from */
	struct slice forward_from; /* the domain of ours that it first goes through */
};

static struct slice
domain_of(struct slice address)
{
	size_t at = slice_find_last(address, '@');

	return at == SIZE_MAX ? SLICE_EMPTY : slice_from(address, at + 1);
}

static struct srs_config
srs_of(const struct queue *q, const struct queue_rules *rules, struct slice *key, struct slice domain)
{
	*key = slice_of(q->srs_key, sizeof q->srs_key);
	return (struct srs_config){ .keys = key,
		.key_count = 1,
		.domain = rules->forward_len > 0 ? slice_of(rules->forward, rules->forward_len) : domain,
		.now = clock_unix() };
}

static int
add_inbox(struct resolving *r, uint64_t account, struct error *e)
{
	for (size_t i = 0; i < r->target_count; i++)
		if (r->targets[i].account == account)
			return 0;
	if (r->target_count >= STORE_TARGETS_MAX)
		return error_set(e, ERR_LIMIT, "a letter goes into at most %u inboxes", STORE_TARGETS_MAX);
	if (r->target_count == r->target_room) {
		size_t room = r->target_room == 0 ? 8 : 2 * r->target_room;
		struct store_target *grown = arena_array(r->a, room, sizeof *grown);

		if (grown == NULL)
			return error_nomem(e);
		if (r->target_count > 0)
			memcpy(grown, r->targets, r->target_count * sizeof *grown);
		r->targets = grown;
		r->target_room = room;
	}
	r->targets[r->target_count++] =
	    (struct store_target){ .account = account, .use = r->in->junk ? STORE_USE_JUNK : 0 };
	return 0;
}

/* A destination as it is compared: the queue serves one after the other. */
static int
destination(struct arena *a, struct slice address, struct slice *out, struct error *e)
{
	struct buf domain;
	int rc;

	buf_init(&domain, STORE_DOMAIN_MAX);
	rc = idn_to_ascii(domain_of(address), &domain, e);
	*out = arena_copy(a, buf_slice(&domain));
	buf_done(&domain);
	if (rc == 0 && out->len == 0)
		rc = error_set(e, ERR_SYNTAX, "an address is local-part@domain");
	return rc != 0 ? rc : a->err != 0 ? error_nomem(e) : 0;
}

static int
add_elsewhere(struct resolving *r, struct slice address, const struct queue_put_recipient *as, struct slice orcpt,
    struct error *e)
{
	struct store_queue_to *to;
	struct slice domain;
	int rc = destination(r->a, address, &domain, e);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < r->to_count; i++)
		if (slice_eq(r->to[i].address, address))
			return 0;
	if (r->to == NULL)
		r->to = arena_array(r->a, STORE_QUEUE_RECIPIENTS_MAX, sizeof *r->to);
	if (r->to == NULL)
		return error_nomem(e);
	if (r->to_count >= STORE_QUEUE_RECIPIENTS_MAX)
		return error_set(e, ERR_LIMIT, "a letter goes to at most %u addresses", STORE_QUEUE_RECIPIENTS_MAX);
	to = &r->to[r->to_count++];
	*to = (struct store_queue_to){
		.address = arena_copy(r->a, address), .domain = domain, .notify = as->notify, .orcpt = orcpt
	};
	return r->a->err != 0 ? error_nomem(e) : 0;
}

/* Who wrote knows the address of ours, and no other: reports name that (RFC 3461 section 4.2). */
static struct slice
orcpt_of(struct arena *a, const struct queue_put_recipient *as)
{
	struct slice out = as->orcpt;
	struct buf text;

	if (out.len > 0 || !utf8_is_ascii(as->address))
		return out;
	buf_init(&text, STORE_QUEUE_ORCPT_MAX);
	(void)buf_put_str(&text, "rfc822;");
	if (smtp_xtext_write(as->address, &text) == 0)
		out = arena_copy(a, buf_slice(&text));
	buf_done(&text);
	return out;
}

/* An address of a domain of ours that nobody has: perhaps one that we made. */
static int
resolve_nobody(struct resolving *r, const struct queue_put_recipient *as, struct error *e)
{
	struct buf back;
	int rc;

	buf_init(&back, STORE_ADDRESS_MAX);
	rc = queue_srs_reverse(r->queue, as->address, &back, e);
	if (rc == 0)
		rc = add_elsewhere(r, buf_slice(&back), as, as->orcpt, e);
	r->forwards = r->forwards || rc == 0;
	buf_done(&back);
	return rc;
}

static int
resolve_ours(struct resolving *r, const struct queue_put_recipient *as, const struct store_address_resolved *found,
    struct error *e)
{
	struct slice orcpt = found->elsewhere_count > 0 ? orcpt_of(r->a, as) : SLICE_EMPTY;
	int rc = 0;

	for (size_t i = 0; i < found->account_count && rc == 0; i++)
		rc = add_inbox(r, found->accounts[i], e);
	for (size_t i = 0; i < found->elsewhere_count && rc == 0; i++)
		rc = add_elsewhere(r, found->elsewhere[i], as, orcpt, e);
	r->forwards = r->forwards || found->elsewhere_count > 0;
	return rc;
}

static int
resolve_one(struct resolving *r, const struct queue_put_recipient *as, struct error *e)
{
	const struct store_address_resolve in = { .address = as->address,
		.writer = r->in->account,
		.separator = r->rules->separator,
		.postmaster = slice_of(r->rules->postmaster, r->rules->postmaster_len) };
	struct store_address_resolved found;
	int rc = store_address_resolve(r->queue->store, &in, r->a, &found, e);

	if (rc != 0)
		return rc;
	if (found.resolution != STORE_ELSEWHERE && r->forward_from.len == 0)
		r->forward_from = domain_of(as->address);
	switch ((enum store_resolution)found.resolution) {
	case STORE_RESOLVED:
		return resolve_ours(r, as, &found, e);
	case STORE_NOBODY:
		return resolve_nobody(r, as, e);
	case STORE_NOT_FOR:
		return error_set(e, ERR_DENIED, "the writer may not write to that group");
	case STORE_ELSEWHERE:
		break;
	}
	if (r->in->stranger)
		return error_set(e, ERR_DENIED, "a stranger's letter goes to no other domain");
	return add_elsewhere(r, as->address, as, as->orcpt, e);
}

/* SPF must permit us to send it, and what bounces comes back here. Where that cannot be, only the bounce is lost. */
static int
rewrite_sender(struct resolving *r, struct store_queue_letter *out, struct error *e)
{
	struct slice key;
	const struct srs_config srs = srs_of(r->queue, r->rules, &key, r->forward_from);
	struct buf sender;
	int rc;

	if (!r->in->stranger || r->in->sender.len == 0 || r->to_count == 0)
		return 0;
	buf_init(&sender, STORE_ADDRESS_MAX);
	rc = srs_forward(&srs, r->in->sender, &sender, e);
	out->out.sender = rc == 0 ? arena_copy(r->a, buf_slice(&sender)) : SLICE_EMPTY;
	buf_done(&sender);
	return rc == ERR_NOMEM || rc == ERR_CRYPTO ? rc : r->a->err != 0 ? error_nomem(e) : 0;
}

int
queue_resolve(struct queue *q, const struct queue_rules *rules, const struct queue_letter *in, struct arena *a,
    struct store_queue_letter *out, struct slice *forwards_out, struct error *e)
{
	struct resolving r = { .queue = q, .rules = rules, .in = in, .a = a };
	int rc = 0;

	for (size_t i = 0; i < in->account_count && rc == 0; i++)
		rc = add_inbox(&r, in->accounts[i], e);
	for (size_t i = 0; i < in->recipient_count && rc == 0; i++)
		rc = resolve_one(&r, &in->recipients[i], e);
	if (rc != 0)
		return rc;
	*out = (struct store_queue_letter){ .content = in->content,
		.envelope = in->sender,
		.targets = r.targets,
		.target_count = r.target_count,
		.out = { .account = in->account,
		    .skip = in->skip,
		    .front = in->front,
		    .sender = in->sender,
		    .flags = in->flags,
		    .ret = in->ret,
		    .envid = in->envid,
		    .lifetime_s = in->lifetime_s != 0 ? in->lifetime_s : rules->lifetime_s,
		    .warn_s = rules->warn_s,
		    .hour_max = in->account != 0 ? rules->account_hour : 0,
		    .octets_max = in->account != 0 || in->stranger ? rules->octets_max : 0,
		    .recipients = r.to,
		    .recipient_count = r.to_count } };
	if (forwards_out != NULL)
		*forwards_out = r.forwards && r.to_count > 0 ? r.forward_from : SLICE_EMPTY;
	return rewrite_sender(&r, out, e);
}

int
queue_srs_reverse(struct queue *q, struct slice address, struct buf *out, struct error *e)
{
	const struct queue_rules rules = queue_rules_now(q);
	struct slice domain = domain_of(address), key, local;
	const struct srs_config srs = srs_of(q, &rules, &key, domain);
	int rc;

	local = slice_sub(address, 0, address.len > domain.len ? address.len - domain.len - 1 : 0);
	if (!srs_is_rewritten(local) || !slice_ieq(srs.domain, domain))
		return error_set(e, ERR_NOT_FOUND, "nobody here has the address");
	rc = srs_reverse(&srs, local, out, e);
	if (rc == ERR_SYNTAX || rc == ERR_INTEGRITY || rc == ERR_TIMEOUT)
		rc = error_set(e, ERR_NOT_FOUND, "nobody here has the address");
	return rc;
}

/* ---- putting ---- */

struct putting {
	struct queue *queue;
	struct arena arena;
	struct queue_letter in;
	struct store_queue_letter letter;
	uint32_t sent_on, look_s;
	queue_put_fn *done;
	void *ctx;
};

static void
finish(struct putting *p, const struct queue_kept *kept, const struct error *e)
{
	struct queue *q = p->queue;

	if (kept != NULL && kept->queue != 0) {
		log_event(LOG_LEVEL_INFO, "queue.put", log_u64("queue", kept->queue), log_u64("account", p->in.account),
		    log_slice("from", p->in.sender), log_u64("recipients", kept->sent_on));
		queue_poke(q);
		queue_look_in(q, p->look_s);
	}
	p->done(p->ctx, kept, e);
	arena_done(&p->arena);
	mem_free(p);
	queue_leave(q);
}

static void
put_done(void *ctx, const void *reply, const struct error *e)
{
	const struct store_queue_kept *k = reply;
	struct putting *p = ctx;

	if (k == NULL)
		finish(p, NULL, e);
	else
		finish(p, &(struct queue_kept){ k->body, k->queue, k->inboxes, p->sent_on }, NULL);
}

/* What the disk's last room is kept for is mail that people here get. */
static int
check_disk(const struct queue *q, const struct store_queue_letter *letter, struct error *e)
{
	struct statvfs disk;

	if (q->data[0] == '\0' || letter->out.recipient_count == 0 || statvfs(q->data, &disk) != 0)
		return 0;
	if ((uint64_t)disk.f_bavail * disk.f_frsize >= DISK_RESERVE)
		return 0;
	return error_set(e, ERR_FULL, "the disk is nearly full");
}

/* Any thread. */
static void
sealed(void *ctx, struct slice fields, const struct error *e)
{
	struct putting *p = ctx;
	struct error fault;
	int rc = 0;

	(void)e; /* queue_seal() has said so */
	p->letter.out.front = arena_copy(&p->arena, fields);
	if (p->arena.err != 0)
		rc = error_nomem(&fault);
	if (rc == 0)
		rc = store_queue_put_submit(p->queue->store, &p->letter, put_done, p, &fault);
	if (rc != 0)
		finish(p, NULL, &fault);
}

/* On the pool. */
static void
run_put(void *ctx)
{
	struct putting *p = ctx;
	const struct queue_rules rules = queue_rules_now(p->queue);
	struct store_queue_out *out = &p->letter.out;
	struct slice forwards = SLICE_EMPTY;
	struct error e;
	int rc = 0;

	if (p->in.own)
		rc = queue_sign(p->queue, slice_from(p->in.content.data, p->in.skip), &p->arena, &p->in.front, &e);
	if (rc == 0)
		rc = queue_resolve(p->queue, &rules, &p->in, &p->arena, &p->letter, &forwards, &e);
	if (rc == 0)
		rc = check_disk(p->queue, &p->letter, &e);
	if (rc != 0) {
		finish(p, NULL, &e);
		return;
	}
	p->sent_on = (uint32_t)out->recipient_count;
	p->look_s = out->warn_s != 0 && out->warn_s < out->lifetime_s ? out->warn_s : out->lifetime_s;
	if (forwards.len > 0 && p->in.seal.body_hash.len > 0)
		queue_seal(p->queue, &p->in, forwards, sealed, p);
	else if (store_queue_put_submit(p->queue->store, &p->letter, put_done, p, &e) != 0)
		finish(p, NULL, &e);
}

static int
copy_letter(struct putting *p, const struct queue_letter *in, struct error *e)
{
	struct arena *a = &p->arena;
	struct queue_put_recipient *recipients = arena_array(a, in->recipient_count + 1, sizeof *recipients);
	uint64_t *accounts = arena_array(a, in->account_count + 1, sizeof *accounts);

	p->in = *in;
	p->in.content.data = arena_copy(a, in->content.data);
	p->in.content.front = arena_copy(a, in->content.front);
	p->in.content.cache = arena_copy(a, in->content.cache);
	p->in.front = arena_copy(a, in->front);
	p->in.sender = arena_copy(a, in->sender);
	p->in.envid = arena_copy(a, in->envid);
	p->in.seal.results = arena_copy(a, in->seal.results);
	p->in.seal.body_hash = arena_copy(a, in->seal.body_hash);
	for (size_t i = 0; recipients != NULL && i < in->recipient_count; i++)
		recipients[i] = (struct queue_put_recipient){ arena_copy(a, in->recipients[i].address),
			in->recipients[i].notify, arena_copy(a, in->recipients[i].orcpt) };
	if (accounts != NULL && in->account_count > 0)
		memcpy(accounts, in->accounts, in->account_count * sizeof *accounts);
	p->in.recipients = recipients;
	p->in.accounts = accounts;
	return a->err != 0 ? error_nomem(e) : 0;
}

int
queue_put(struct queue *q, const struct queue_letter *in, queue_put_fn *done, void *ctx, struct error *e)
{
	struct putting *p = mem_alloc(sizeof *p);
	int rc;

	if (p == NULL)
		return error_nomem(e);
	p->queue = q;
	p->done = done;
	p->ctx = ctx;
	arena_init(&p->arena, QUEUE_WORK_BUDGET);
	queue_enter(q);
	rc = copy_letter(p, in, e);
	if (rc == 0 && pool_submit(q->pool, run_put, p) != 0)
		rc = error_set(e, ERR_LIMIT, "too much mail comes at once");
	if (rc == 0)
		return 0;
	arena_done(&p->arena);
	mem_free(p);
	queue_leave(q);
	return rc;
}
