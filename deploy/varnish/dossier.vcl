vcl 4.1;

# Varnish in front of Dossier. It keeps what is marked with tags and purges by them. It listens on two addresses: the
# one called `purge` is for Dossier, must not be reached by others, and gives no responses.
#
#   varnishd -a :8080 -a purge=:8081 -f dossier.vcl
#
# Dossier needs:
#
#   CACHE_TAGS=Surrogate-Key
#   CACHE_CONTROL=public, max-age=0, s-maxage=86400
#   PURGE_URL=http://cache:8081/
#   TRUSTED_PROXIES=        the address of this cache

import xkey;

backend dossier {
    .host = "dossier";
    .port = "8000";
}

sub vcl_recv {
    if (local.socket == "purge") {
        if (req.method != "PURGE" || !req.http.Surrogate-Key) {
            return (synth(400));
        }
        xkey.purge(req.http.Surrogate-Key);
        return (synth(200));
    }
    if (req.method == "PURGE") {
        return (synth(405));
    }
    # WebSockets are passed through.
    if (req.http.Upgrade ~ "(?i)^websocket$") {
        return (pipe);
    }
    # What a key or a token gives is for its owner, and what is newer than a revision for who names it. Streams of events
    # are not kept.
    if ((req.method != "GET" && req.method != "HEAD") || req.http.Authorization || req.http.Dossier-Revision
            || req.http.Accept ~ "text/event-stream") {
        return (pass);
    }
    # Dossier sets no cookies. Responses vary by these headers, so that they are made few.
    unset req.http.Cookie;
    if (req.url ~ "^/graphql/?\?") {
        if (req.http.Accept ~ "graphql-response") {
            set req.http.Accept = "application/graphql-response+json";
        } else {
            set req.http.Accept = "application/json";
        }
    }
    return (hash);
}

sub vcl_pipe {
    set bereq.http.Upgrade = req.http.Upgrade;
    set bereq.http.Connection = req.http.Connection;
}

sub vcl_backend_response {
    if (beresp.http.Surrogate-Key) {
        set beresp.http.xkey = beresp.http.Surrogate-Key;
        # A response that expired is asked for again before it is given.
        set beresp.grace = 0s;
    } else {
        # Without tags nobody would purge it: browsers may keep it, as its headers say.
        set beresp.uncacheable = true;
    }
}

sub vcl_deliver {
    # Nobody purges what clients and other proxies keep, and the budget of the first client is not that of the others.
    if (resp.http.Surrogate-Key) {
        set resp.http.Cache-Control = "public, max-age=0, must-revalidate";
        unset resp.http.RateLimit;
        unset resp.http.RateLimit-Policy;
        unset resp.http.X-Request-Id;
    }
    unset resp.http.Surrogate-Key;
    unset resp.http.xkey;
    set resp.http.X-Cache = "MISS";
    if (obj.hits > 0) {
        set resp.http.X-Cache = "HIT";
    }
}
