// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/** Ports of this machine. */
public final class Ports {
    public static final String LOOPBACK = "127.0.0.1";

    private static final int FIRST_LASTING = 20_000;
    private static final int LAST_LASTING = 32_000;
    private static final int LASTING_ATTEMPTS = 100;

    /** Those that somebody in this process means to listen on, or did: the system may offer one twice in a row. */
    private static final Set<Integer> GIVEN = ConcurrentHashMap.newKeySet();

    private Ports() {}

    /** A port of {@code host} that nobody listens on at this moment, and that nobody in this process was given before. */
    public static int free(String host) throws IOException {
        while (true) {
            try (ServerSocket socket = new ServerSocket()) {
                socket.bind(new InetSocketAddress(resolve(host), 0));
                if (GIVEN.add(socket.getLocalPort())) {
                    return socket.getLocalPort();
                }
            }
        }
    }

    /**
     * A free port of {@code host} for somebody who may be gone for a while: not one of those that systems give to
     * outgoing connections, which would take it meanwhile.
     */
    static int lasting(String host) throws IOException {
        for (int attempt = 0; attempt < LASTING_ATTEMPTS; attempt++) {
            int port = ThreadLocalRandom.current().nextInt(FIRST_LASTING, LAST_LASTING);
            try {
                requireFree("A process", host, port);
                return port;
            } catch (UnknownHostException e) {
                throw e;
            } catch (IOException e) {
                // Somebody else's; there are others.
            }
        }
        throw new IOException("No port between %d and %d is free.".formatted(FIRST_LASTING, LAST_LASTING));
    }

    /** Returns {@code port}, or a free one if it is 0. */
    static int choose(String who, String host, int port) throws IOException {
        if (port == 0) {
            return free(host);
        }
        requireFree(who, host, port);
        GIVEN.add(port);
        return port;
    }

    /**
     * Checks that one can listen on a port.
     *
     * @throws IOException with one sentence that names who wanted it
     */
    static void requireFree(String who, String host, int port) throws IOException {
        if (port < 0 || port > 65_535) {
            throw new IOException("%s cannot listen on port %d: a port lies in [0, 65535].".formatted(who, port));
        }
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(resolve(host), port));
        } catch (UnknownHostException e) {
            throw e;
        } catch (IOException e) {
            throw new IOException(
                    "%s cannot listen on %s:%d (%s): end the program that uses it, or choose another port."
                            .formatted(who, host, port, e.getMessage()),
                    e);
        }
    }

    private static InetAddress resolve(String host) throws UnknownHostException {
        try {
            return InetAddress.getByName(host);
        } catch (UnknownHostException e) {
            UnknownHostException clear = new UnknownHostException(
                    "The host name '%s' cannot be resolved: give a name or an address of this machine."
                            .formatted(host));
            clear.initCause(e);
            throw clear;
        }
    }
}
