/* SPDX-License-Identifier: ISC */
/* The process that loads the modules of tokens. It knows PKCS #11 and nothing of OpenPGP. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/agent/token_protocol.h"
#include "client/agent/tokens.h"
#include "os/pkcs11.h"

#define ARENA_BUDGET (1u << 20)

struct process {
	struct pkcs11 *p11; /* NULL: not loaded yet */
	struct buf in, out;
};

union answer {
	struct agent_tokens tokens;
	struct agent_octets octets;
};

static int
load(struct process *p, struct error *e)
{
	return p->p11 != NULL ? 0 : pkcs11_open(&p->p11, e);
}

static struct slice
value(const struct pkcs11_value *v)
{
	return slice_of(v->octets, v->len);
}

static int
list(struct process *p, struct arena *a, union answer *out, struct error *e)
{
	const struct pkcs11_key *keys;
	struct agent_token_key *items;
	size_t n;
	int rc = load(p, e);

	if (rc == 0)
		rc = pkcs11_list(p->p11, &keys, &n, e);
	if (rc != 0)
		return rc;
	items = arena_array(a, n, sizeof *items);
	if (items == NULL)
		return error_nomem(e);
	for (size_t i = 0; i < n; i++)
		items[i] = (struct agent_token_key){ .token = slice_str(keys[i].token),
			.label = slice_str(keys[i].label),
			.id = value(&keys[i].id),
			.kind = (uint8_t)keys[i].kind,
			.sign = keys[i].sign,
			.decrypt = keys[i].decrypt,
			.pin = keys[i].needs_pin,
			.first = value(&keys[i].first),
			.second = value(&keys[i].second) };
	out->tokens = (struct agent_tokens){ .items = items, .item_count = n };
	return 0;
}

static int
use(struct process *p, uint16_t type, const struct token_use *r, struct buf *made, struct error *e)
{
	int rc = load(p, e);

	if (rc != 0)
		return rc;
	switch (type) {
	case TOKEN_SIGN_IN:
		return pkcs11_sign_in(p->p11, r->key, r->data, e);
	case TOKEN_SIGN:
		return pkcs11_sign(p->p11, r->key, r->data, made, e);
	default:
		return pkcs11_open_data(p->p11, r->key, r->data, made, e);
	}
}

static int
carry_out(struct process *p, const struct codec_frame *f, struct arena *a, struct error *e)
{
	struct buf made;
	union answer answer = { .octets.octets = SLICE_EMPTY };
	struct token_use r = { .key = 0 };
	int rc;

	if (f->type == TOKEN_LIST) {
		rc = list(p, a, &answer, e);
		return rc == 0 ? codec_frame_put(&p->out, f->type, f->ticket, &agent_tokens_schema, &answer.tokens, e)
			       : rc;
	}
	buf_init(&made, PKCS11_VALUE_MAX);
	rc = codec_decode(&token_use_schema, f->body, a, &r, e);
	if (rc == 0)
		rc = use(p, f->type, &r, &made, e);
	if (rc == 0) {
		answer.octets.octets = buf_slice(&made);
		rc = codec_frame_put(&p->out, f->type, f->ticket, &token_octets_schema, &answer.octets, e);
	}
	buf_wipe_done(&made);
	return rc;
}

static int
answer(struct process *p, const struct codec_frame *f)
{
	struct error error = { 0 };
	struct agent_error reply;
	struct arena a;
	int rc;

	if (f->type == 0 || f->type >= TOKEN_TYPE_COUNT)
		return ERR_SYNTAX;
	arena_init(&a, ARENA_BUDGET);
	rc = carry_out(p, f, &a, &error);
	if (rc != 0) {
		reply = (struct agent_error){ .code = (uint32_t)-error.code, .text = slice_str(error.text) };
		rc = codec_frame_put(&p->out, f->type | AGENT_FAILED, f->ticket, &agent_error_schema, &reply, NULL);
	}
	arena_wipe_done(&a);
	return rc;
}

static int
send_all(struct process *p)
{
	while (p->out.len > 0) {
		ssize_t n = send(STDIN_FILENO, p->out.data, p->out.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_CLOSED;
		explicit_bzero(p->out.data, (size_t)n);
		buf_consume(&p->out, (size_t)n);
	}
	return 0;
}

static int
serve(struct process *p)
{
	struct codec_frame f;
	size_t used;
	int rc;

	for (;;) {
		uint8_t *to = buf_reserve(&p->in, 4096);
		ssize_t n = to == NULL ? 0 : recv(STDIN_FILENO, to, 4096, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		buf_commit(&p->in, (size_t)n);
		while ((rc = codec_frame_next(buf_slice(&p->in), &f, &used, NULL)) == 1) {
			rc = answer(p, &f);
			explicit_bzero(p->in.data, used);
			buf_consume(&p->in, used);
			if (rc != 0 || send_all(p) != 0)
				return rc;
		}
		if (rc < 0)
			return rc;
	}
}

int
token_process_run(struct error *e)
{
	struct rlimit none = { 0 };
	struct process p = { .p11 = NULL };
	int rc;

	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)prctl(PR_SET_NAME, "agent-tokens");
	(void)setrlimit(RLIMIT_CORE, &none);
	buf_init(&p.in, 3 * PKCS11_VALUE_MAX);
	buf_init(&p.out, ARENA_BUDGET);
	/* At once, so that a PIN is not moved. */
	if (buf_reserve(&p.in, p.in.max) == NULL)
		return error_nomem(e);
	rc = serve(&p);
	pkcs11_close(p.p11);
	buf_wipe_done(&p.in);
	buf_wipe_done(&p.out);
	return rc == 0 ? 0 : error_set(e, rc, "the agent says what this process does not understand");
}
