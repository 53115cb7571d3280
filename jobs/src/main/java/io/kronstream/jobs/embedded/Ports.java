// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;

/** Ports of this machine. */
final class Ports {
    static final String LOOPBACK = "127.0.0.1";

    private Ports() {}

    /** A port of {@code host} that nobody listens on at this moment. */
    static int free(String host) throws IOException {
        try (ServerSocket socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(resolve(host), 0));
            return socket.getLocalPort();
        }
    }

    /** Returns {@code port}, or a free one if it is 0. */
    static int choose(String who, String host, int port) throws IOException {
        if (port == 0) {
            return free(host);
        }
        requireFree(who, host, port);
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
