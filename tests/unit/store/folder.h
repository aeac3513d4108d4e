/* SPDX-License-Identifier: ISC */
/*
 * A data folder with something of everything, and a text of all that can be
 * found in one through the store's operations: what a program wrote, every
 * later one must find again.
 */
#ifndef TESTS_STORE_FOLDER_H
#define TESTS_STORE_FOLDER_H

#include "store/box.h"

#include <sys/wait.h>

#include "base/crc.h"

#define FOLDER_SEGMENT (96u << 10) /* so that there are several segments */

/* ---- another program ---- */

BOX_FN void
box_run(const char *const *words)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		(void)execvp(words[0], (char *const *)(uintptr_t)words);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- filling ---- */

BOX_FN struct slice
folder_octets(struct box *b, unsigned number, size_t len)
{
	struct slice head =
	    arena_printf(&b->arena, "Subject: letter %u\r\nMessage-ID: <%u@example.org>\r\n\r\n", number, number);
	uint8_t *p = arena_alloc(&b->arena, head.len + len);

	assert_non_null(p);
	memcpy(p, head.data, head.len);
	for (size_t i = 0; i < len; i++)
		p[head.len + i] = (uint8_t)("0123456789abcdef"[(number + i / 64 * 7) % 16]);
	return slice_of(p, head.len + len);
}

BOX_FN void
folder_append(struct box *b, uint64_t account, uint64_t mailbox, unsigned number, size_t len, const char *keyword)
{
	struct slice word = slice_str(keyword == NULL ? "" : keyword);
	struct slice data = folder_octets(b, number, len);
	struct store_append in = { account, mailbox,
		{ .data = data, .header_size = 64, .cache = number % 3 == 0 ? SLICE("cache") : SLICE_EMPTY },
		1700000000 + number, number % 32, &word, keyword != NULL };
	struct store_appended out;

	assert_ok(store_append(b->port, &in, &b->arena, &out, &unit_error));
}

/* Too large for memory: a file of its own. */
BOX_FN uint64_t
folder_stage(struct box *b, unsigned number, size_t len)
{
	struct slice data = folder_octets(b, number, len);
	struct store_nothing none = { 0 };
	struct store_body_handle handle;
	struct store_body_length length;

	assert_ok(store_body_begin(b->port, &none, &b->arena, &handle, &unit_error));
	for (size_t at = 0; at < data.len; at += 100000) {
		struct store_body_append in = { handle.handle, slice_sub(data, at, 100000) };

		assert_ok(store_body_append(b->port, &in, &b->arena, &length, &unit_error));
	}
	return handle.handle;
}

BOX_FN void
folder_deliver(struct box *b, const uint64_t *accounts, size_t count, unsigned number, size_t len)
{
	struct store_target targets[8] = { 0 };
	struct store_deliver in = { .content = { .header_size = 40 },
		.internal_date = 1710000000,
		.envelope = SLICE("from <a@example.org>"),
		.targets = targets,
		.target_count = count };
	struct store_delivered out;

	for (size_t i = 0; i < count; i++)
		targets[i].account = accounts[i];
	if (len > 200000)
		in.content.handle = folder_stage(b, number, len);
	else
		in.content.data = folder_octets(b, number, len);
	assert_ok(store_deliver(b->port, &in, &b->arena, &out, &unit_error));
}

BOX_FN void
folder_expunge(struct box *b, uint64_t account, uint64_t mailbox, uint32_t first, uint32_t last)
{
	struct store_range range = { first, last };
	struct store_expunge in = { account, mailbox, &range, 1, true };
	struct store_expunged out;

	assert_ok(store_expunge(b->port, &in, &b->arena, &out, &unit_error));
}

BOX_FN void
folder_certificate(struct box *b, uint64_t account, uint8_t first)
{
	uint8_t name[20], sub[20];
	struct store_certificate_key keys[2] = { { slice_of(name, 20), 0x1000u + first },
		{ slice_of(sub, 20), 0x2000u + first } };
	struct store_certificate_user user = { .user_id = SLICE("Somebody <Somebody@example.org>"),
		.address = account != 0 ? SLICE("Alice@example.org") : SLICE("Somebody@example.org"),
		.place = 4,
		.length = 7 };
	struct store_certificate in = { .fingerprint = slice_of(name, 20),
		.version = 4,
		.account = account,
		.created = 1600000000,
		.keys = keys,
		.key_count = 2,
		.users = &user,
		.user_count = 1,
		.data = SLICE("the certificate's octets") };
	struct store_certificate_publish publish = { in.fingerprint, user.address, STORE_HOW_OPERATOR, 0 };
	struct store_certificate_kept kept;

	memset(name, first, sizeof name);
	memset(sub, first + 1, sizeof sub);
	assert_ok(store_certificate_put(b->port, &in, &b->arena, &kept, &unit_error));
	assert_ok(store_certificate_publish(b->port, &publish, &b->arena, &kept, &unit_error));
}

BOX_FN void
folder_change(struct box *b, uint64_t account, uint64_t mailbox, uint64_t other)
{
	struct store_range range = { 3, 9 };
	struct slice words[] = { SLICE("$Forwarded"), SLICE("work") };
	struct store_flags flags = { account, mailbox, &range, 1, STORE_FLAGS_ADD, STORE_FLAGGED, words, 2, false, 0 };
	struct store_copy copy = { account, mailbox, &range, 1, other, false };
	struct store_subscribe subscribe = { account, SLICE("Archive/2023"), true };
	struct store_flags_done done;
	struct store_copied copied;
	struct store_nothing none;

	assert_ok(store_flags(b->port, &flags, &b->arena, &done, &unit_error));
	assert_ok(store_copy(b->port, &copy, &b->arena, &copied, &unit_error));
	range = (struct store_range){ 12, 14 };
	copy.move = true;
	assert_ok(store_copy(b->port, &copy, &b->arena, &copied, &unit_error));
	assert_ok(store_subscribe(b->port, &subscribe, &b->arena, &none, &unit_error));
}

BOX_FN void
folder_alias(struct box *b, const char *address, const char *target, uint32_t senders)
{
	struct slice to = slice_str(target);
	struct store_alias_add in = { slice_str(address), &to, 1, senders };
	struct store_nothing none;

	assert_ok(store_alias_add(b->port, &in, &b->arena, &none, &unit_error));
}

/* b: a new folder, opened with FOLDER_SEGMENT. */
BOX_FN void
folder_fill(struct box *b)
{
	uint64_t accounts[3] = { box_account(b, "Alice@example.org"), box_account(b, "bob@example.org"),
		box_account(b, "carol@other.example") };
	uint64_t inbox = box_mailbox(b, accounts[0], "INBOX").mailbox, archive;
	struct store_nothing none;
	uint64_t gone = box_account(b, "gone@example.org");

	assert_ok(store_address_add(
	    b->port, &(struct store_address){ accounts[0], SLICE("al@other.example") }, &b->arena, &none, &unit_error));
	archive = box_create(b, accounts[0], "Archive/2023");
	for (unsigned i = 1; i <= 40; i++)
		folder_append(b, accounts[0], inbox, i, 20 + i * 331 % 9000,
		    i % 5 == 0       ? "$Forwarded"
			: i % 7 == 0 ? "work"
				     : NULL);
	folder_change(b, accounts[0], inbox, archive);
	for (unsigned i = 50; i < 60; i++)
		folder_deliver(b, accounts, 3, i, i * 100);
	folder_deliver(b, accounts, 2, 60, 300000);
	folder_deliver(b, &gone, 1, 61, 5000);
	folder_deliver(b, &accounts[1], 1, 62, 0);
	folder_expunge(b, accounts[0], inbox, 20, 30);
	folder_expunge(b, accounts[1], box_mailbox(b, accounts[1], "INBOX").mailbox, 2, 4);
	folder_certificate(b, accounts[0], 0x10);
	folder_certificate(b, 0, 0x40);
	assert_ok(store_account_remove(b->port, &(struct store_account_id){ gone }, &b->arena, &none, &unit_error));
	folder_alias(b, "Team@example.org", "alice@example.org", STORE_SENDERS_MEMBERS);
	folder_alias(b, "team@example.org", "bob@example.org", 0);
	folder_alias(b, "@other.example", "carol@other.example", 0);
	assert_ok(store_meta_put(
	    b->port, &(struct store_meta_put){ SLICE("some.key"), SLICE("its value") }, &b->arena, &none, &unit_error));
}

BOX_FN void
folder_remove_aliases(struct box *b)
{
	struct store_aliases found;
	struct store_nothing none;

	assert_ok(store_alias_list(b->port, &(struct store_alias_list){ 0 }, &b->arena, &found, &unit_error));
	for (size_t i = 0; i < found.row_count; i++) {
		struct store_alias_remove in = { .address = found.rows[i].address };

		assert_ok(store_alias_remove(b->port, &in, &b->arena, &none, &unit_error));
	}
}

/* ---- telling ---- */

#define SLICE_ARGS(s) (int)(s).len, (const char *)(s).data

BOX_FN uint32_t
folder_body_check(struct box *b, uint64_t body, uint64_t length)
{
	uint32_t check = 0;
	uint64_t at = 0;

	while (at < length) {
		struct store_body_read in = { body, at, 65536 };
		struct store_body_data out;

		assert_ok(store_body_read(b->port, &in, &b->arena, &out, &unit_error));
		assert_true(out.length == length && out.data.len > 0);
		check = crc32c(check, out.data);
		at += out.data.len;
	}
	return check;
}

BOX_FN void
folder_tell_messages(struct box *b, uint64_t account, uint64_t mailbox, struct buf *out)
{
	struct store_changes changes = { .account = account, .mailbox = mailbox };
	struct store_message_rows rows = box_list(b, account, mailbox);
	struct store_changed changed;

	for (size_t i = 0; i < rows.row_count; i++) {
		const struct store_message *m = &rows.rows[i];

		(void)buf_putf(out,
		    "  %u flags %u keywords %llu modseq %llu size %llu/%u date %llu saved %llu cache '%.*s' body %llu "
		    "%08x\n",
		    m->uid, m->flags, (unsigned long long)m->keywords, (unsigned long long)m->modseq,
		    (unsigned long long)m->size, m->header_size, (unsigned long long)m->internal_date,
		    (unsigned long long)m->save_date, SLICE_ARGS(m->cache), (unsigned long long)m->body,
		    folder_body_check(b, m->body, m->size));
	}
	assert_ok(store_changes(b->port, &changes, &b->arena, &changed, &unit_error));
	assert_int_equal(changed.row_count, rows.row_count);
	for (size_t i = 0; i < changed.expunged_count; i++)
		(void)buf_putf(out, "  expunged %u\n", changed.expunged[i]);
}

BOX_FN void
folder_tell_mailbox(struct box *b, uint64_t account, const struct store_mailbox *m, struct buf *out)
{
	struct store_mailbox_get in = { .account = account, .mailbox = m->mailbox };
	struct store_mailbox_state state;

	(void)buf_putf(out,
	    " mailbox %llu '%.*s' selectable %d subscribed %d use %u validity %u next %u messages %u unseen %u deleted "
	    "%u recent %u size %llu modseq %llu\n",
	    (unsigned long long)m->mailbox, SLICE_ARGS(m->name), m->selectable, m->subscribed, m->special_use,
	    m->uidvalidity, m->uidnext, m->messages, m->unseen, m->deleted, m->recent, (unsigned long long)m->size,
	    (unsigned long long)m->highest_modseq);
	assert_ok(store_mailbox_get(b->port, &in, &b->arena, &state, &unit_error));
	for (size_t i = 0; i < state.keyword_count; i++)
		(void)buf_putf(out, "  keyword %zu '%.*s'\n", i, SLICE_ARGS(state.keywords[i].name));
	folder_tell_messages(b, account, m->mailbox, out);
}

BOX_FN void
folder_tell_account(struct box *b, uint64_t account, struct buf *out)
{
	struct store_account a;
	struct store_mailbox_rows mailboxes;
	struct store_names names;
	uint64_t messages = 0, octets = 0;

	assert_ok(
	    store_account_get(b->port, &(struct store_account_get){ .account = account }, &b->arena, &a, &unit_error));
	(void)buf_putf(out, "account %llu created %llu verifier '%.*s'", (unsigned long long)account,
	    (unsigned long long)a.created, SLICE_ARGS(a.verifier));
	for (size_t i = 0; i < a.address_count; i++)
		(void)buf_putf(out, " %.*s", SLICE_ARGS(a.addresses[i]));
	(void)buf_putf(out, "\n");
	assert_ok(store_mailbox_list(
	    b->port, &(struct store_mailbox_list){ .account = account }, &b->arena, &mailboxes, &unit_error));
	for (size_t i = 0; i < mailboxes.row_count; i++) {
		folder_tell_mailbox(b, account, &mailboxes.rows[i], out);
		messages += mailboxes.rows[i].messages;
		octets += mailboxes.rows[i].size;
	}
	assert_true(a.messages == messages && a.octets == octets);
	assert_ok(store_subscription_list(
	    b->port, &(struct store_subscription_list){ .account = account }, &b->arena, &names, &unit_error));
	for (size_t i = 0; i < names.name_count; i++)
		(void)buf_putf(out, " subscribed '%.*s'\n", SLICE_ARGS(names.names[i]));
}

BOX_FN void
folder_tell_certificates(struct box *b, struct buf *out)
{
	struct store_certificate_find in = { .by = STORE_BY_ALL };
	struct store_certificates found;

	assert_ok(store_certificate_find(b->port, &in, &b->arena, &found, &unit_error));
	for (size_t i = 0; i < found.certificate_count; i++) {
		const struct store_certificate *c = &found.certificates[i];

		(void)buf_putf(out, "certificate v%u %02x.. account %llu created %llu modified %llu '%.*s'", c->version,
		    c->fingerprint.data[0], (unsigned long long)c->account, (unsigned long long)c->created,
		    (unsigned long long)c->modified, SLICE_ARGS(c->data));
		for (size_t k = 0; k < c->key_count; k++)
			(void)buf_putf(
			    out, " %02x../%llx", c->keys[k].fingerprint.data[0], (unsigned long long)c->keys[k].key_id);
		for (size_t k = 0; k < c->user_count; k++)
			(void)buf_putf(
			    out, " '%.*s' <%.*s>", SLICE_ARGS(c->users[k].user_id), SLICE_ARGS(c->users[k].address));
		(void)buf_putf(out, "\n");
	}
}

BOX_FN void
folder_tell_aliases(struct box *b, struct buf *out)
{
	struct store_aliases found;

	assert_ok(store_alias_list(b->port, &(struct store_alias_list){ 0 }, &b->arena, &found, &unit_error));
	for (size_t i = 0; i < found.row_count; i++) {
		const struct store_alias *a = &found.rows[i];

		(void)buf_putf(
		    out, "alias %.*s senders %u accounts %u:", SLICE_ARGS(a->address), a->senders, a->accounts);
		for (size_t k = 0; k < a->target_count; k++)
			(void)buf_putf(out, " %.*s", SLICE_ARGS(a->targets[k]));
		(void)buf_putf(out, "\n");
	}
}

/* Everything that is in the folder, as text. */
BOX_FN void
folder_tell(struct box *b, struct buf *out)
{
	struct store_nothing none = { 0 };
	struct store_account_rows accounts;
	struct store_domains domains;
	struct store_meta_value value;

	assert_ok(store_domain_list(b->port, &none, &b->arena, &domains, &unit_error));
	for (size_t i = 0; i < domains.domain_count; i++)
		(void)buf_putf(out, "domain %.*s\n", SLICE_ARGS(domains.domains[i]));
	assert_ok(store_account_list(b->port, &(struct store_account_list){ 0 }, &b->arena, &accounts, &unit_error));
	for (size_t i = 0; i < accounts.row_count; i++)
		folder_tell_account(b, accounts.rows[i].account, out);
	folder_tell_certificates(b, out);
	folder_tell_aliases(b, out);
	assert_ok(
	    store_meta_get(b->port, &(struct store_meta_key){ SLICE("some.key") }, &b->arena, &value, &unit_error));
	(void)buf_putf(out, "meta '%.*s'\n", SLICE_ARGS(value.value));
	assert_int_equal(out->err, 0);
}

/* ---- verifying ---- */

BOX_FN size_t
folder_verify_page(struct box *b, const struct store_verify *page, struct store_verified *found, struct buf *out)
{
	struct store_verified again;
	size_t count = 0;

	assert_ok(store_verify(b->port, page, &b->arena, found, &unit_error));
	again = *found;
	if (found->finding_count > 0 && page->part >= STORE_VERIFY_SEGMENTS) {
		(void)usleep(200000);
		assert_ok(store_verify(b->port, page, &b->arena, &again, &unit_error));
	}
	for (size_t i = 0; i < found->finding_count; i++) {
		for (size_t k = 0; k < again.finding_count; k++) {
			if (!slice_eq(found->findings[i].text, again.findings[k].text))
				continue;
			(void)buf_putf(out, "%.*s\n", SLICE_ARGS(found->findings[i].text));
			count++;
			break;
		}
		assert_true(found->findings[i].advice.len > 0);
	}
	return count;
}

/* Everything once; the findings' sentences are appended to out. */
BOX_FN size_t
folder_verify(struct box *b, struct buf *out)
{
	size_t count = 0;

	for (uint32_t part = 0; part < STORE_VERIFY_PARTS; part++) {
		struct store_verify page = { .part = part };
		struct store_verified found = { .more = true };

		while (found.more) {
			count += folder_verify_page(b, &page, &found, out);
			page.after = found.after;
			page.behind = found.behind;
		}
	}
	return count;
}

BOX_FN void
folder_verify_clean(struct box *b)
{
	struct buf said BUF_OWNED = { 0 };

	buf_init(&said, 1 << 20);
	if (folder_verify(b, &said) != 0)
		fail_msg("verify: %.*s", SLICE_ARGS(buf_slice(&said)));
}

#endif
