/* SPDX-License-Identifier: ISC */
#include "mime/received.h"

#include "base/date.h"
#include "mime/header.h"
#include "mime/lex.h"
#include "mime/limits.h"

#define IPV4_TEXT_MAX 15u
#define IPV6_TEXT_MAX 45u /* with an IPv4 address at its end */

enum clause { FROM, BY, VIA, WITH, ID, FOR, TLS, CLAUSES, NO_CLAUSE = CLAUSES };

static const char *const words[CLAUSES] = { "from", "by", "via", "with", "id", "for", "tls" };

struct parsing {
	struct mime_lex lex;
	struct slice clauses[CLAUSES]; /* words from the keyword to the next one or to a comment */
	enum clause now;
	bool closed; /* a comment stood behind its words: what follows is no more of it */
	size_t date; /* where it begins, or SIZE_MAX */
	struct mime_received *out;
};

/* ---- TLS ---- */

static bool
is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter_or_digit(int c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

#define VERSION_MAX 8u

/* "TLSv1.3", "TLS1_2", "TLS 1.2:": "TLS1.3" and so on; false: it goes on like a word of another kind. */
static bool
bare_version(struct slice text, char bare[VERSION_MAX])
{
	size_t n = 0, i;

	for (i = 0; i < text.len && n + 1 < VERSION_MAX; i++) {
		uint8_t c = text.data[i];

		if (n == 3 && (c == 'v' || c == 'V' || c == ' '))
			continue;
		if (!is_letter_or_digit(c) && !((c == '.' || c == '_') && n == 4))
			break;
		bare[n++] = (char)(c == '_' ? '.' : c);
	}
	bare[n] = '\0';
	return i == text.len || !is_letter_or_digit(text.data[i]);
}

/* The one form. Empty: it is no version. */
static struct slice
version_of(struct slice text)
{
	static const struct {
		const char *written, *form;
	} versions[] = { { "tls1.3", "TLS 1.3" }, { "tls1.2", "TLS 1.2" }, { "tls1.1", "TLS 1.1" },
		{ "tls1.0", "TLS 1.0" }, { "tls1", "TLS 1.0" }, { "ssl3", "SSL 3.0" }, { "ssl2", "SSL 2.0" } };
	char bare[VERSION_MAX];

	if (!bare_version(text, bare))
		return SLICE_EMPTY;
	for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++)
		if (slice_ieq_str(slice_str(bare), versions[i].written))
			return slice_str(versions[i].form);
	return SLICE_EMPTY;
}

/* A cipher's name: up to what cannot be in one. */
static struct slice
cipher_of(struct slice text)
{
	size_t n = 0;

	while (n < text.len && (is_letter_or_digit(text.data[n]) || text.data[n] == '-' || text.data[n] == '_'))
		n++;
	return slice_sub(text, 0, n);
}

/* What stands behind a word, wherever that is. */
static struct slice
behind(struct slice text, struct slice word)
{
	size_t at = slice_search(text, word);

	return at == SIZE_MAX ? SLICE_EMPTY : slice_from(text, at + word.len);
}

/* "ECDHE-RSA-AES256-GCM-SHA384 encrypted", as qmail's patch writes it. */
static void
take_encrypted(struct mime_received *out, struct slice text)
{
	size_t at = slice_search(text, SLICE(" encrypted")), begin;

	if (at == SIZE_MAX || at == 0)
		return;
	for (begin = at; begin > 0 && text.data[begin - 1] != ' ' && text.data[begin - 1] != '('; begin--)
		;
	out->tls_cipher = slice_sub(text, begin, at - begin);
	out->encrypted = true;
}

/*
 * A comment about TLS. Only those that begin as servers begin them: in others
 * are words that the sender chose (its name, its address).
 */
static void
take_tls(struct mime_received *out, struct slice comment)
{
	struct slice version = SLICE_EMPTY, cipher = SLICE_EMPTY;

	if (slice_istarts(comment, SLICE("using "))) { /* Postfix */
		version = version_of(slice_from(comment, 6));
		cipher = cipher_of(behind(comment, SLICE("cipher ")));
	} else if (slice_istarts(comment, SLICE("version="))) { /* Gmail, Outlook, Sendmail */
		version = version_of(slice_from(comment, 8));
		cipher = cipher_of(behind(comment, SLICE("cipher=")));
	} else if (slice_istarts(comment, SLICE("TLS")) || slice_istarts(comment, SLICE("SSL"))) { /* Exim; ourselves */
		version = version_of(comment);
		cipher = cipher_of(behind(comment, slice_find(comment, ':') != SIZE_MAX ? SLICE(":") : SLICE(" ")));
	} else if (slice_ends(comment, SLICE(" encrypted"))) {
		take_encrypted(out, comment);
		return;
	}
	if (version.len == 0)
		return;
	out->encrypted = true;
	out->tls_version = version;
	if (cipher.len > 0)
		out->tls_cipher = cipher;
}

/* ---- where it came from ---- */

static bool
is_address(struct slice s)
{
	size_t dots = 0, colons = 0, letters = 0;

	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.data[i];
		bool hex = is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');

		dots += c == '.';
		colons += c == ':';
		letters += hex && !is_digit(c);
		if (!hex && c != '.' && c != ':')
			return false;
	}
	return (dots == 3 && colons + letters == 0 && s.len <= IPV4_TEXT_MAX) ||
	    (colons >= 2 && s.len <= IPV6_TEXT_MAX);
}

/* The address in "[192.0.2.1]", "[IPv6:2001:db8::1]", "alice@192.0.2.1", "2001:db8::1"; empty: there is none. */
static struct slice
address_in(struct slice word)
{
	size_t at;

	if (word.len > 0 && word.data[word.len - 1] == ',')
		word.len--;
	if ((at = slice_find_last(word, '@')) != SIZE_MAX)
		word = slice_from(word, at + 1);
	if (word.len > 0 && word.data[0] == '[') {
		word = slice_from(word, 1);
		at = slice_find(word, ']'); /* "[192.0.2.1]:41234" too */
		word = slice_sub(word, 0, at == SIZE_MAX ? word.len : at);
	}
	if (slice_istarts(word, SLICE("IPv6:")))
		word = slice_from(word, 5);
	return is_address(word) ? word : SLICE_EMPTY;
}

/* "mail.example.org [192.0.2.1]", "[192.0.2.1] helo=x", "HELO x", "192.0.2.1". */
static void
take_sender(struct mime_received *out, struct slice comment)
{
	struct slice rest = comment;

	if (slice_istarts(comment, SLICE("HELO "))) { /* qmail: the name before it is the one of DNS */
		out->name = slice_ieq_str(out->from, "unknown") ? SLICE_EMPTY : out->from;
		out->from = slice_trim(slice_from(comment, 5));
		return;
	}
	while (rest.len > 0) {
		struct slice word = slice_split(rest, ' ', &rest), address = address_in(word);

		if (slice_istarts(word, SLICE("helo="))) { /* Exim: what stands in front is of DNS, or the address */
			if (address_in(out->from).len > 0)
				out->address = address_in(out->from);
			else
				out->name = out->from;
			out->from = slice_from(word, 5);
		} else if (address.len > 0 && out->address.len == 0) {
			out->address = address;
		} else if (word.len > 0 && word.data[0] != '[' && out->name.len == 0 &&
		    slice_find(word, '.') != SIZE_MAX && slice_find(word, '=') == SIZE_MAX &&
		    slice_find(word, '@') == SIZE_MAX) {
			out->name = word.data[word.len - 1] == '.' ? slice_sub(word, 0, word.len - 1) : word;
		}
	}
}

static void
take_comment(struct parsing *p, struct slice comment)
{
	comment = slice_trim(comment);
	p->closed = p->now != NO_CLAUSE && p->clauses[p->now].len > 0;
	if (slice_istarts(comment, SLICE("using ")) || p->now != FROM)
		take_tls(p->out, comment);
	else if (slice_ends(comment, SLICE(" encrypted")))
		take_encrypted(p->out, comment);
	else
		take_sender(p->out, comment);
	if (p->now == NO_CLAUSE && slice_istarts(comment, SLICE("qmail ")) &&
	    slice_search(comment, SLICE("from network")) == SIZE_MAX)
		p->out->local = true;
	if (slice_istarts(comment, SLICE("Postfix, from userid ")))
		p->out->local = true;
}

/* ---- clauses ---- */

static enum clause
keyword(struct slice word)
{
	for (unsigned i = 0; i < CLAUSES; i++)
		if (slice_ieq_str(word, words[i]))
			return (enum clause)i;
	return NO_CLAUSE;
}

/* A word at depth 0 ends at a space, a comment or the semicolon; quotes and angle brackets hold together. */
static struct slice
next_word(struct mime_lex *l)
{
	size_t start = l->at;
	int until = 0;

	for (; l->at < l->in.len; l->at++) {
		int c = l->in.data[l->at];

		if (until != 0) {
			if (c == '\\' && until == '"')
				l->at++;
			else if (c == until)
				until = 0;
		} else if (c == '"' || c == '<') {
			until = c == '"' ? '"' : '>';
		} else if (mime_is_space(c) || c == '(' || c == ';') {
			break;
		}
	}
	if (l->at > l->in.len)
		l->at = l->in.len;
	return slice_sub(l->in, start, l->at - start);
}

static void
take_word(struct parsing *p, struct slice word)
{
	enum clause k = keyword(word);
	struct slice *s;

	/* A clause that was there does not begin again: "by" in a name is none. */
	if (k != NO_CLAUSE && p->clauses[k].len == 0 && (p->now == NO_CLAUSE || p->clauses[p->now].len > 0)) {
		p->now = k;
		p->closed = false;
		return;
	}
	if (p->now == NO_CLAUSE || p->closed)
		return;
	s = &p->clauses[p->now];
	if (s->len == 0)
		*s = word;
	else /* all words of it, and the spaces between */
		*s = slice_of(s->data, (size_t)(word.data - s->data) + word.len);
	if (p->now == FROM && p->out->from.len == 0)
		p->out->from = word; /* before its comments are read */
}

/* The comment that begins here, without its parentheses; one that is not closed reaches to the end. */
static struct slice
read_comment(struct mime_lex *l)
{
	size_t start = ++l->at;
	unsigned depth = 1;

	for (; l->at < l->in.len; l->at++) {
		uint8_t c = l->in.data[l->at];

		if (c == '\\')
			l->at++;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			return slice_sub(l->in, start, l->at++ - start);
	}
	l->at = l->in.len;
	return slice_from(l->in, start);
}

static void
walk(struct parsing *p)
{
	struct mime_lex *l = &p->lex;

	while (l->at < l->in.len && p->date == SIZE_MAX) {
		int c = mime_lex_peek(l);

		if (c == '(')
			take_comment(p, read_comment(l));
		else if (mime_is_space(c))
			l->at++;
		else if (c == ';')
			p->date = ++l->at;
		else
			take_word(p, next_word(l));
	}
}

/* ---- what it comes to ---- */

/* RFC 3848, RFC 6531 4.3, RFC 8314: S is TLS, A is somebody who signed in. */
static void
judge_protocol(struct mime_received *out)
{
	static const struct {
		const char *name;
		bool tls, signed_in, local;
	} protocols[] = { { "ESMTPS", true, false, false }, { "ESMTPSA", true, true, false },
		{ "ESMTPA", false, true, false }, { "SMTPS", true, false, false }, { "ASMTP", false, true, false },
		{ "LMTPS", true, false, false }, { "LMTPSA", true, true, false }, { "LMTPA", false, true, false },
		{ "UTF8SMTPS", true, false, false }, { "UTF8SMTPSA", true, true, false },
		{ "UTF8SMTPA", false, true, false }, { "UTF8LMTPS", true, false, false },
		{ "UTF8LMTPSA", true, true, false }, { "UTF8LMTPA", false, true, false },
		{ "HTTPS", true, false, false }, { "HTTPREST", true, true, false }, { "local", false, false, true },
		{ "LOCAL", false, false, true }, { "pipe", false, false, true } };
	struct slice rest, first = slice_split(out->with, ' ', &rest);

	take_encrypted(out, out->with); /* "with ECDHE-… encrypted SMTP" */
	for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
		if (!slice_ieq_str(first, protocols[i].name))
			continue;
		out->encrypted |= protocols[i].tls;
		out->authenticated = protocols[i].signed_in;
		out->local |= protocols[i].local;
	}
}

static void
take_clauses(struct parsing *p)
{
	struct mime_received *out = p->out;
	struct slice f = p->clauses[FOR], version;

	if (out->from.len > 0 && out->address.len == 0)
		out->address = address_in(out->from);
	out->by = p->clauses[BY];
	out->via = p->clauses[VIA];
	out->with = p->clauses[WITH];
	out->id = p->clauses[ID];
	if (f.len > 2 && f.data[0] == '<' && f.data[f.len - 1] == '>')
		f = slice_sub(f, 1, f.len - 2);
	out->recipient = f;
	if (p->clauses[TLS].len > 0) { /* RFC 8314 section 7.4: the cipher's name */
		version = version_of(p->clauses[TLS]);
		if (version.len > 0)
			out->tls_version = version;
		else
			out->tls_cipher = cipher_of(p->clauses[TLS]);
		out->encrypted = true;
	}
	judge_protocol(out);
}

int
mime_received_parse(struct slice value, struct arena *a, struct mime_received *out, struct error *e)
{
	struct parsing p = { .now = NO_CLAUSE, .date = SIZE_MAX, .out = out };
	int64_t when;

	*out = (struct mime_received){ 0 };
	if (value.len > MIME_RECEIVED_MAX)
		return error_set(
		    e, ERR_LIMIT, "a Received field of more than %u octets is not read", MIME_RECEIVED_MAX);
	p.lex.in = mime_unfold_copy(value, a);
	if (a->err != 0)
		return error_nomem(e);
	walk(&p);
	take_clauses(&p);
	if (p.date != SIZE_MAX && date_parse_mail(slice_from(p.lex.in, p.date), &when, &out->zone, NULL) == 0) {
		out->dated = true;
		out->when = when;
	}
	if (out->from.len == 0 && out->by.len == 0 && !out->dated)
		return error_set(e, ERR_SYNTAX, "this Received field says nothing that can be understood");
	return 0;
}
