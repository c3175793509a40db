/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "maker-bytes.h"

guint
maker_choose(MakerBytes *bytes, guint n)
{
    guint8 byte = 0;

    if (bytes->left > 0) {
        byte = *bytes->at++;
        bytes->left--;
    }
    return byte % n;
}

const char *
maker_choose_text(MakerBytes *bytes, const char *const *texts, guint n)
{
    return texts[maker_choose(bytes, n)];
}
