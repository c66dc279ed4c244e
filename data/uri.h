/** Addresses of images, as they may be shown. */
#ifndef RID_URI_H
#define RID_URI_H

#include "data/base/buf.h"

/** Appends a URI without what gives access to it: user name and password in front of the host, and
 *  the parameters of its query or fragment whose names speak of a signature, a token, a credential, a
 *  key, a password or a policy, as in pre-signed addresses. A path, and everything else, is appended
 *  as it is. */
void rid_uri_append_public(rid_buf *out, rid_str uri);

#endif
