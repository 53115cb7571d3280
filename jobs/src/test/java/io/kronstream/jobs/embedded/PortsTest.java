// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PortsTest {
    /** The system alone offers one of some thousands of ports again within a few hundred questions. */
    @Test
    void noPortIsGivenTwice() throws IOException {
        Set<Integer> given = new HashSet<>();
        for (int i = 0; i < 2000; i++) {
            assertThat(given.add(Ports.free(Ports.LOOPBACK))).isTrue();
        }
    }
}
