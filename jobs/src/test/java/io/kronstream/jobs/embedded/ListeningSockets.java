// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** What a process listens on, as Linux tells it under {@code /proc}. */
final class ListeningSockets {
    private static final String LISTEN = "0A";
    private static final String IPV4_LOOPBACK = "0100007F";
    private static final String IPV6_LOOPBACK = "00000000000000000000000001000000";
    private static final String MAPPED_LOOPBACK = "0000000000000000FFFF00000100007F";
    private static final Set<String> LOOPBACK = Set.of(IPV4_LOOPBACK, IPV6_LOOPBACK, MAPPED_LOOPBACK);

    private ListeningSockets() {}

    static boolean supported() {
        return Files.isReadable(Path.of("/proc/net/tcp"));
    }

    /** Addresses, as {@code HEX_ADDRESS:HEX_PORT}, that a process listens on. */
    static Set<String> of(long pid) throws IOException {
        Set<String> inodes = new HashSet<>();
        try (Stream<Path> descriptors = Files.list(Path.of("/proc", Long.toString(pid), "fd"))) {
            for (Path descriptor : (Iterable<Path>) descriptors::iterator) {
                try {
                    String target = Files.readSymbolicLink(descriptor).toString();
                    if (target.startsWith("socket:[")) {
                        inodes.add(target.substring("socket:[".length(), target.length() - 1));
                    }
                } catch (IOException e) {
                    // Closed since the listing.
                }
            }
        }
        Set<String> addresses = new HashSet<>();
        for (String table : List.of("tcp", "tcp6")) {
            Path file = Path.of("/proc/net", table);
            if (Files.exists(file)) {
                for (String line : Files.readAllLines(file)) {
                    String[] fields = line.trim().split("\\s+");
                    if (fields.length > 9 && fields[3].equals(LISTEN) && inodes.contains(fields[9])) {
                        addresses.add(fields[1]);
                    }
                }
            }
        }
        return addresses;
    }

    static boolean isLoopback(String address) {
        return LOOPBACK.contains(address.substring(0, address.indexOf(':')));
    }
}
