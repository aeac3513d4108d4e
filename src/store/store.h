/* SPDX-License-Identifier: ISC */
/*
 * The only door to what must survive: accounts, mailboxes, messages, flags,
 * the key directory. Each operation is a request struct and a reply struct
 * (store/types.h) that cross a port (os/port.h), so the store may be in this
 * process or in another.
 *
 * What is answered without an error is on disk: a write is answered after its
 * octets and its row are synced, and not before. It is wholly there or wholly
 * not, whatever happens to the process. Reads see what was committed, never
 * wait for a write, and are each one snapshot. (A read may see a message a
 * moment before its delivery is answered; a power cut in that moment expunges
 * it again.)
 *
 * Every operation NAME has
 *   int store_NAME(port, &request, arena, &reply, e)          asks and waits
 *   int store_NAME_submit(port, &request, done, ctx, e)       asks; done gets the reply struct (os/port.h)
 * Reads may be waited for on a worker thread. Writes take disk syncs: in the
 * daemon submit them.
 *
 * Errors of every operation: ERR_NOT_FOUND (no such account, mailbox, body,
 * handle...), ERR_SYNTAX and ERR_LIMIT (a request that cannot be), ERR_FULL
 * (disk full: nothing of the operation was kept; later calls may succeed),
 * ERR_IO (the disk failed; after a failed sync the store answers every write
 * with ERR_IO until the process is started anew), ERR_INTEGRITY (a stored
 * body does not match its checksum), ERR_CLOSED. Others are said below.
 *
 *   accounts
 * account_create       makes the account, its address and INBOX; ERR_EXISTS when the address is taken,
 *                      ERR_NOT_FOUND when its domain is not one of ours
 * account_remove       with all its mail and certificates; ERR_ORDER while an alias leads to it
 * account_set_verifier another password
 * account_rename       another address in the place of one of its own; its mail, its number and aliases stay. ERR_EXISTS when it
 *                      is taken, ERR_NOT_FOUND when its domain is not one of ours or the account has not the old one
 * account_get          by number or address; with the exact sums of what it holds
 * account_list         by number, in pages
 * address_add          one more address for an account; ERR_EXISTS
 * address_remove       ERR_ORDER for its last one, and while an alias leads to it
 * address_find         whose is it, by name or by an alias that leads to nobody else, and is the domain ours; never
 *                      ERR_NOT_FOUND
 * address_resolve      whose inboxes mail to an address belongs in: by addresses, aliases, without a detail, by what stands
 *                      for the whole domain. ERR_LIMIT: an alias leads to more than STORE_ALIAS_ACCOUNTS_MAX
 * address_owned        whether mail to it is the account's alone: then the account may use it as its own
 * alias_add            makes an alias or adds to it. ERR_EXISTS: an account has the address; ERR_NOT_FOUND: its domain is not
 *                      ours, or nobody here has a target; ERR_POLICY: in a circle; ERR_LIMIT
 * alias_remove         ERR_ORDER while another alias needs it
 * alias_list           by address, in pages
 * domain_add           adding again is no error
 * domain_remove        ERR_ORDER while an address or alias is in it
 * domain_list
 *
 *   credentials, beside an account's password
 * credential_add       ERR_EXISTS when the account has one of that name; ERR_LIMIT over STORE_CREDENTIALS_MAX
 * credential_remove    by name
 * credential_list      all of an account
 * credential_use       somebody signs in with it now: remembered, roughly; ERR_NOT_FOUND when it is not there (any more), has
 *                      expired or is not for that
 *
 *   mailboxes (RFC 3501 6.3; names are UTF-8, levels separated by '/', "INBOX" in any case is the inbox)
 * mailbox_list         by name, in pages
 * mailbox_get          one, with its keywords
 * mailbox_create       and its missing superiors (as names without a mailbox); ERR_EXISTS; ERR_SYNTAX for a name that
 *                      cannot be (empty level, control character, not UTF-8, too long or deep)
 * mailbox_delete       and its mail; when it has inferiors its name stays without a mailbox (\Noselect), and
 *                      deleting such a name is ERR_ORDER; INBOX is ERR_DENIED
 * mailbox_rename       with all inferiors; INBOX: its mail goes to the new mailbox and INBOX stays; ERR_EXISTS
 * subscribe            both ways
 * subscription_list
 * recent_take          from which UID on messages are \Recent for the asking session; the first to take has them
 *
 *   bodies too large to travel in one request
 * body_begin           a handle; staged octets are gone when the asking port closes
 * body_append          in order; the next may be submitted before the last is answered
 * body_abort           no error when the handle is not there
 * body_read            octets of a stored body; every block that is touched is checked
 *
 *   messages
 * deliver              one body to many mailboxes: all or none
 * append               one message to one mailbox
 * message_list         rows by UID
 * changes              rows and expunged UIDs after a mod-sequence
 * flags                set, add, remove; at most STORE_TOUCH_MAX messages a call
 * expunge              likewise
 * copy                 all or nothing; keeps flags, keywords and internal date; also moves
 * cache_put            remembers octets about a body for its rows
 * changes_wait         answered when any mailbox changed after the cursor; one a process is enough: store/watch.h
 *
 *   the queue: mail that goes on to others (service/queue/queue.h)
 * queue_put            one letter into inboxes and the queue: all or nothing. ERR_POLICY: the account's hour is full;
 *                      ERR_LIMIT: the queue is, or there are too many recipients
 * queue_lease          what is due, destination after destination, new mail before old. Nobody else gets it before the lease
 *                      ends, then everybody does: also when the store ended meanwhile
 * queue_read           octets of it as they are sent. ERR_NOT_FOUND: it is not leased by that lease (any more)
 * queue_renew          the lease goes on from now
 * queue_release        leases up to one have ended: what they had is due
 * queue_settle         what became of recipients; a message goes with its last one. ERR_NOT_FOUND: somebody else has one of
 *                      them, or it is gone: nothing is changed. Settled after its end a lease counts as long as nobody else
 *                      took it
 * queue_settle_report  likewise, and a letter about it is kept in the same step
 * queue_defer          nothing of a destination is due before then
 * queue_get            one message with all its recipients
 * queue_list           messages by number, in pages
 * queue_change         a page of them: holds, releases, retries, removes
 * queue_domains        destinations by name, in pages
 * queue_log            what became of a message's attempts, also when it is gone, for STORE_QUEUE_LOG_S
 * queue_totals         takes no time
 *
 *   directory, meta
 * certificate_put      in the place of the one of that fingerprint, whose user IDs stay as published as they were; new ones are
 *                      held, but for those that in's account or publish_free publish. ERR_ORDER: another version was put
 *                      meanwhile: merge anew; ERR_DENIED: a published user ID is left out; ERR_FULL: too many wait
 * certificate_find
 * certificate_remove
 * certificate_publish  ERR_DENIED: the address is not that account's; ERR_POLICY: it was unpublished, and neither OPEN nor MIRROR
 *                      bring it back; ERR_ORDER: kept by an older program: put it once more first
 * certificate_unpublish  and it does not come back by itself; an empty address: all. ERR_DENIED, ERR_ORDER as above
 * certificate_count    of all, and how many accounts there are; takes no time
 * certificate_bucket   what is served, in order of hashes
 * certificate_names    as certificate_find by text, over an index; texts of 3 octets or more. after is of fingerprints
 * certificate_due      certificates (names and revisions alone) with a published user ID of that domain that its CA is to look at:
 *                      it does not certify it, or not until then
 * certificate_certified  until when it is certified, as far as is known
 * directory_changes    of which certificates what is served changed on a day
 * token_put            ERR_LIMIT: see pause, and over STORE_TOKENS_MAX
 * token_look           what it is for; it stays. ERR_NOT_FOUND: no such one, not any more, or of another kind
 * token_take           likewise, and it is gone
 * certificate_look     many look-ups at once, of what is served
 * meta_get, meta_put   settings that must survive, by key; an empty value removes
 * policy_get, policy_put  another domain's policy, until it expires; to remember one may be lost with power
 * tally_add            counts octets that are alike, by day and domain; what is lost with power is not missed
 * tally_list           what was counted before a day, by day, domain and octets, in pages
 * tally_remove         all of a day and domain, or of a kind's days before one
 * info                 counts
 * verify               looks at one page of everything, and tells what is not as it must be; writes nothing
 * hold                 until the asking port closes, no octet of a body goes that was there before the answer, expunged or
 *                      moved or not: who copies the files sees in them all that a snapshot taken after it names. ERR_LIMIT
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "os/port.h"
#include "store/types.h"

/* name, number (never changes), request struct, reply struct */
#define STORE_METHODS(X) \
	X(account_create, 1, store_account_create, store_account_id) \
	X(account_remove, 2, store_account_id, store_nothing) \
	X(account_set_verifier, 3, store_account_set_verifier, store_nothing) \
	X(account_get, 4, store_account_get, store_account) \
	X(account_list, 5, store_account_list, store_account_rows) \
	X(address_add, 6, store_address, store_nothing) \
	X(address_remove, 7, store_address, store_nothing) \
	X(address_find, 8, store_address_find, store_address_found) \
	X(domain_add, 9, store_domain, store_nothing) \
	X(domain_remove, 10, store_domain, store_nothing) \
	X(domain_list, 11, store_nothing, store_domains) \
	X(account_rename, 12, store_account_rename, store_nothing) \
	X(address_resolve, 13, store_address_resolve, store_address_resolved) \
	X(address_owned, 14, store_address_owned, store_owned) \
	X(alias_add, 15, store_alias_add, store_nothing) \
	X(alias_remove, 16, store_alias_remove, store_nothing) \
	X(alias_list, 17, store_alias_list, store_aliases) \
	X(mailbox_list, 20, store_mailbox_list, store_mailbox_rows) \
	X(mailbox_get, 21, store_mailbox_get, store_mailbox_state) \
	X(mailbox_create, 22, store_mailbox_create, store_mailbox_id) \
	X(mailbox_delete, 23, store_mailbox_delete, store_nothing) \
	X(mailbox_rename, 24, store_mailbox_rename, store_nothing) \
	X(subscribe, 25, store_subscribe, store_nothing) \
	X(subscription_list, 26, store_subscription_list, store_names) \
	X(recent_take, 27, store_recent_take, store_recent) \
	X(body_begin, 30, store_nothing, store_body_handle) \
	X(body_append, 31, store_body_append, store_body_length) \
	X(body_abort, 32, store_body_handle, store_nothing) \
	X(body_read, 33, store_body_read, store_body_data) \
	X(deliver, 40, store_deliver, store_delivered) \
	X(append, 41, store_append, store_appended) \
	X(message_list, 42, store_message_list, store_message_rows) \
	X(changes, 43, store_changes, store_changed) \
	X(flags, 44, store_flags, store_flags_done) \
	X(expunge, 45, store_expunge, store_expunged) \
	X(copy, 46, store_copy, store_copied) \
	X(cache_put, 47, store_cache_put, store_nothing) \
	X(changes_wait, 48, store_changes_wait, store_changes_seen) \
	X(certificate_put, 60, store_certificate, store_certificate_kept) \
	X(certificate_find, 61, store_certificate_find, store_certificates) \
	X(certificate_remove, 62, store_certificate_name, store_nothing) \
	X(certificate_count, 63, store_nothing, store_certificate_count) \
	X(certificate_publish, 64, store_certificate_publish, store_certificate_kept) \
	X(certificate_unpublish, 65, store_certificate_publish, store_certificate_kept) \
	X(certificate_bucket, 66, store_bucket_find, store_bucket) \
	X(certificate_names, 67, store_certificate_find, store_certificates) \
	X(directory_changes, 68, store_directory_day, store_directory_changes) \
	X(certificate_look, 69, store_certificate_looks, store_certificates_seen) \
	X(certificate_due, 84, store_certificate_due, store_certificates) \
	X(certificate_certified, 83, store_certificate_certified, store_nothing) \
	X(meta_get, 70, store_meta_key, store_meta_value) \
	X(meta_put, 71, store_meta_put, store_nothing) \
	X(policy_get, 78, store_policy_key, store_policy) \
	X(policy_put, 79, store_policy, store_nothing) \
	X(tally_add, 75, store_tally, store_nothing) \
	X(tally_list, 76, store_tally_list, store_tallies) \
	X(tally_remove, 77, store_tally_day, store_nothing) \
	X(info, 72, store_nothing, store_info) \
	X(verify, 73, store_verify, store_verified) \
	X(hold, 74, store_nothing, store_nothing) \
	X(queue_put, 100, store_queue_letter, store_queue_kept) \
	X(queue_lease, 101, store_queue_lease, store_queue_leased) \
	X(queue_read, 102, store_queue_read, store_body_data) \
	X(queue_renew, 103, store_queue_renew, store_queue_until) \
	X(queue_release, 113, store_queue_release, store_nothing) \
	X(queue_settle, 104, store_queue_settle, store_queue_settled) \
	X(queue_settle_report, 105, store_queue_settle_report, store_queue_settled) \
	X(queue_defer, 106, store_queue_defer, store_queue_until) \
	X(queue_get, 107, store_queue_id, store_queue_message) \
	X(queue_list, 108, store_queue_list, store_queue_messages) \
	X(queue_change, 109, store_queue_change, store_queue_changed) \
	X(queue_domains, 110, store_queue_domain_list, store_queue_domains) \
	X(queue_log, 111, store_queue_log, store_queue_events) \
	X(queue_totals, 112, store_nothing, store_queue_totals) \
	X(token_put, 80, store_token_put, store_nothing) \
	X(token_look, 81, store_token_take, store_token) \
	X(token_take, 82, store_token_take, store_token) \
	X(credential_add, 90, store_credential_add, store_credential_id) \
	X(credential_remove, 91, store_credential_name, store_nothing) \
	X(credential_list, 92, store_credential_list, store_credentials) \
	X(credential_use, 93, store_credential_use, store_nothing)

#define STORE_METHOD_NUMBER(name, number, request, reply) STORE_METHOD_##name = (number),
enum store_method { STORE_METHODS(STORE_METHOD_NUMBER) };
#undef STORE_METHOD_NUMBER

/* For port_open_socket() to a store in another process. */
extern const struct port_interface store_interface;

#define STORE_CALL(name, number, request, reply) \
	static inline int store_##name( \
	    struct port *p, const struct request *in, struct arena *a, struct reply *out, struct error *e) \
	{ \
		return port_call(p, (number), in, a, out, e); \
	} \
	static inline int store_##name##_submit( \
	    struct port *p, const struct request *in, port_done_fn *done, void *ctx, struct error *e) \
	{ \
		return port_submit(p, (number), in, done, ctx, e); \
	}
STORE_METHODS(STORE_CALL)
#undef STORE_CALL

#endif
