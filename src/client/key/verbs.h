/* SPDX-License-Identifier: ISC */
/*
 * The verbs of `letterlock key`, one file each (verb_NAME.c). argv[0] is the
 * first word behind the verb; each returns the exit status (client/common.h).
 * A new one gets a row in verb_key.c's table and a line in its help.
 */
#ifndef CLIENT_KEY_VERBS_H
#define CLIENT_KEY_VERBS_H

int key_new(int argc, char **argv);
int key_list(int argc, char **argv);
int key_show(int argc, char **argv);
int key_find(int argc, char **argv);
int key_refresh(int argc, char **argv);
int key_servers(int argc, char **argv);
int key_publish(int argc, char **argv);
int key_import(int argc, char **argv);
int key_export(int argc, char **argv);
int key_sync(int argc, char **argv);
int key_certify(int argc, char **argv);
int key_approve(int argc, char **argv);
int key_trust(int argc, char **argv);
int key_verify(int argc, char **argv);
int key_expire(int argc, char **argv);
int key_user_id_verbs(int argc, char **argv);
int key_subkey(int argc, char **argv);
int key_revoke(int argc, char **argv);
int key_passphrase(int argc, char **argv);
int key_confirm_verb(int argc, char **argv);
int key_backup(int argc, char **argv);
int key_restore(int argc, char **argv);
int key_proof(int argc, char **argv);

#endif
