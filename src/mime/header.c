/* SPDX-License-Identifier: ISC */
#include "mime/header.h"
#include "mime/address.h"
#include "mime/bodystructure.h"
#include "mime/decode.h"
#include "mime/envelope.h"
#include "mime/section.h"
#include "mime/word.h"
