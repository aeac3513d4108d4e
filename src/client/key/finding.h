/* SPDX-License-Identifier: ISC */
/*
 * What the verbs that ask others for certificates share: whom to ask and how,
 * from the command line, from what the person set, and from the account.
 */
#ifndef CLIENT_KEY_FINDING_H
#define CLIENT_KEY_FINDING_H

#include "client/account.h"
#include "client/key/keyring.h"
#include "trust/find/find.h"

struct finding_options {
	struct option_list servers;   /* --server: instead of those that are set */
	struct option_list resolvers; /* --resolver: instead of those of this machine */
	const char *sources;          /* --source: "wkd,dns" */
	const char *proxy, *ca_file, *anchors;
	bool allow_clear, verbose, by_name;
};
#define FINDING_OPTIONS(o) \
	{ "server", OPTION_LIST, &(o)->servers }, { "resolver", OPTION_LIST, &(o)->resolvers }, \
	    { "source", OPTION_TEXT, &(o)->sources }, { "proxy", OPTION_TEXT, &(o)->proxy }, \
	    { "ca-file", OPTION_TEXT, &(o)->ca_file }, { "dnssec-anchors", OPTION_TEXT, &(o)->anchors }, \
	    { "allow-clear", OPTION_FLAG, &(o)->allow_clear }, { "verbose", OPTION_FLAG, &(o)->verbose }, \
	{ \
		"by-name", OPTION_FLAG, &(o)->by_name \
	}
/* What --help says of them. */
#define FINDING_HELP \
	"  --server URL          ask this one: hkps://HOST, vks://HOST, hkp://HOST; again and again\n" \
	"  --source NAMES        only these: store, exchange, wkd, dns, keyserver, apart by commas\n" \
	"  --by-name             ask plainly also where the server offers private look-ups\n" \
	"  --allow-clear         permit servers without TLS\n" \
	"  --proxy URL           go through it, e.g. socks5h://127.0.0.1:9050 for Tor; DNS is then not asked\n" \
	"  --ca-file FILE        authorities that vouch for servers\n" \
	"  --resolver ADDRESS    ask this name server; --dnssec-anchors FILE: what its answers are proven by\n" \
	"  --verbose             say whom is asked, and how\n"

struct finding_place {
	struct find_server exchange;
	struct find_server servers[FIND_SERVERS_MAX];
	struct buf resolv_conf, anchors, proxy;
	struct find_place place;
};

/*
 * a NULL: there is no account. k and a must outlive it. finding_done() also
 * after an error. ERR_USAGE, ERR_POLICY for a server that cannot be asked.
 */
int finding_init(struct finding_place *f, struct keyring *k, const struct account *a, const struct finding_options *o,
    struct error *e);
void finding_done(struct finding_place *f);

/* Says on standard error why sources could not be asked; the trifles only when verbose. */
void finding_say_failures(const struct find_report *report, bool verbose);
/* "the Web Key Directory of the domain" and the like. */
const char *finding_source_words(enum find_source s);
/* Nothing was found: the sentence for it, with what could not be asked. The code. */
int finding_nothing(const struct find_report *report, struct slice who, struct error *e);

/*
 * For writing: sees to it that the store has a certificate of the address, if
 * anybody has one; asks only when there is none, or again. Says on standard
 * error where it was found. ERR_NOT_FOUND; what could not be asked.
 */
int finding_for_writing(struct keyring *k, const struct account *a, struct slice address, bool again, struct error *e);

/* For reading: asks our own exchange, and nobody else. */
int finding_at_exchange(struct keyring *k, const struct account *a, struct slice address, struct error *e);

/* What the person set, by `letterlock key servers`: one URL a line; empty is none. */
#define FINDING_SETTING_SERVERS "find-servers"
#define FINDING_SETTING_PROXY "find-proxy"

#endif
