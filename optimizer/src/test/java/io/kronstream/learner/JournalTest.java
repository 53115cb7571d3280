// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class JournalTest {
    private static final long FAR = 1L << 50;

    @Test
    void tellsRunsAndMarksInOrder() {
        Journal journal = new Journal();
        record(journal);

        assertThat(told(journal.take()))
                .containsExactly(
                        "0: 5-9 x5",
                        "3: 0-0 x1",
                        "0: 12-12 x1",
                        "closed",
                        "0: 14-14 x1",
                        "3: 1-" + FAR + " x2",
                        "3: 7-7 x1",
                        "finished");
        assertThat(journal.take()).as("the next segment").isEmpty();
    }

    @Test
    void aSegmentIsReadWithoutTheOnesBefore() {
        Journal journal = new Journal();
        journal.took(7, FAR);
        journal.take();
        journal.took(7, FAR + 1);
        journal.took(7, FAR + 2);

        assertThat(told(journal.take())).containsExactly("7: " + (FAR + 1) + "-" + (FAR + 2) + " x2");
    }

    @Test
    void aRunMayStartAndEndInsideARecord() {
        Journal journal = new Journal();
        journal.took(0, 4);
        journal.took(0, 5);
        journal.took(0, 5);
        journal.closed();
        journal.took(0, 5);
        journal.took(0, 6);

        assertThat(told(journal.take())).containsExactly("0: 4-5 x3", "closed", "0: 5-6 x2");
    }

    @Test
    void goesOnFromWhatWasStored() throws IOException {
        Journal whole = new Journal();
        Journal first = new Journal();
        for (int offset = 0; offset < 10; offset++) {
            whole.took(offset / 4 % 2, offset);
            first.took(offset / 4 % 2, offset);
        }
        ByteArrayOutputStream stored = new ByteArrayOutputStream();
        first.write(new DataOutputStream(stored));
        Journal second = new Journal();
        second.read(new DataInputStream(new ByteArrayInputStream(stored.toByteArray())));
        for (int offset = 10; offset < 20; offset++) {
            whole.took(offset / 4 % 2, offset);
            second.took(offset / 4 % 2, offset);
        }

        assertThat(second.take()).isEqualTo(whole.take());
    }

    @Test
    void aRunCostsAFewBytesHoweverLongItIs() {
        Journal journal = new Journal();
        for (int run = 0; run < 1000; run++) {
            for (int i = 0; i < 32; i++) {
                journal.took(run % 4, 1_000_000 + 32L * (run / 4) + i);
            }
        }
        assertThat(journal.take()).hasSizeLessThan(4100);
    }

    @Test
    void refusesBytesThatEndTooSoon() {
        Journal journal = new Journal();
        record(journal);
        byte[] entries = journal.take();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> told(Arrays.copyOf(entries, 2)))
                .withMessageContaining("ends in the middle");
    }

    private static void record(Journal journal) {
        for (long offset = 5; offset <= 9; offset++) {
            journal.took(0, offset);
        }
        journal.took(3, 0);
        journal.took(0, 12);
        journal.closed();
        journal.took(0, 14);
        journal.took(3, 1);
        journal.took(3, FAR);
        journal.took(3, 7);
        journal.finished();
    }

    private static List<String> told(byte[] entries) {
        List<String> told = new ArrayList<>();
        Journal.replay(new JournalSegment("", entries), new Journal.Visitor() {
            @Override
            public void run(int partition, long from, long to, long examples) {
                told.add(partition + ": " + from + "-" + to + " x" + examples);
            }

            @Override
            public void closed() {
                told.add("closed");
            }

            @Override
            public void finished() {
                told.add("finished");
            }
        });
        return told;
    }
}
