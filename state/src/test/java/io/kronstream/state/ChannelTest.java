// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import static org.assertj.core.api.Assertions.assertThat;

import io.kronstream.learner.RefreshAnswer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ChannelTest {
    private static final int PARALLELISM = 3;
    private static final int MAX_PARALLELISM = 16;
    private static final List<String> MODELS =
            IntStream.range(0, 20).mapToObj(i -> "model-" + i).toList();

    @Test
    void everyAnswerReachesTheSubtaskThatOwnsItsModelAndNoOther() throws Exception {
        LocalChannel channel = LocalChannel.only("routing");
        List<BlockingQueue<String>> heard = new ArrayList<>();
        List<AutoCloseable> readers = new ArrayList<>();
        for (int subtask = 0; subtask < PARALLELISM; subtask++) {
            BlockingQueue<String> queue = new LinkedBlockingQueue<>();
            heard.add(queue);
            readers.add(channel.read(subtask, PARALLELISM, MAX_PARALLELISM, answer -> queue.add(answer.model())));
        }
        send(channel, MODELS);

        for (int subtask = 0; subtask < PARALLELISM; subtask++) {
            List<String> own = ownedBy(subtask);
            assertThat(own).isNotEmpty();
            assertThat(take(heard.get(subtask), own.size())).isEqualTo(own);
        }
        for (AutoCloseable reader : readers) {
            reader.close();
        }
        assertThat(heard).allSatisfy(queue -> assertThat(queue).isEmpty());
    }

    @Test
    void namesSeparateChannelsAndAClosedReaderHearsNothing() throws Exception {
        BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        BlockingQueue<String> closed = new LinkedBlockingQueue<>();
        LocalChannel channel = LocalChannel.only("one");
        channel.read(0, 1, MAX_PARALLELISM, answer -> closed.add(answer.model()))
                .close();
        try (AutoCloseable reader = channel.read(0, 1, MAX_PARALLELISM, answer -> heard.add(answer.model()))) {
            send(LocalChannel.only("two"), List.of("lost"));
            send(LocalChannel.only("one"), List.of("found"));

            assertThat(take(heard, 1)).containsExactly("found");
            assertThat(reader).isNotNull();
        }
        assertThat(heard).isEmpty();
        assertThat(closed).isEmpty();
    }

    @Test
    void whatIsReadInThisProcessDoesNotTakeTheWayBeyond() throws Exception {
        LocalChannel far = LocalChannel.only("far");
        LocalChannel near = new LocalChannel("near", far);
        List<String> heardHere = new CopyOnWriteArrayList<>();
        List<String> heardElsewhere = new CopyOnWriteArrayList<>();
        try (AutoCloseable here = near.read(0, PARALLELISM, MAX_PARALLELISM, answer -> heardHere.add(answer.model()));
                AutoCloseable elsewhere =
                        far.read(1, PARALLELISM, MAX_PARALLELISM, answer -> heardElsewhere.add(answer.model()));
                AutoCloseable sameElsewhere =
                        far.read(0, PARALLELISM, MAX_PARALLELISM, answer -> heardElsewhere.add(answer.model()))) {
            send(near, MODELS);

            assertThat(List.of(here, elsewhere, sameElsewhere)).doesNotContainNull();
        }
        assertThat(heardHere).isEqualTo(ownedBy(0));
        assertThat(heardElsewhere).isEqualTo(ownedBy(1));

        send(near, MODELS);
        assertThat(heardHere).as("a closed reader hears nothing").isEqualTo(ownedBy(0));
    }

    @Test
    void aDelayedModelIsHeardLaterThanTheOthers() throws Exception {
        String delayed = MODELS.get(0);
        DelayedChannel channel = new DelayedChannel(LocalChannel.only("delayed"), 2000, 1, delayed);
        BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        try (AutoCloseable reader = channel.read(0, 1, MAX_PARALLELISM, answer -> heard.add(answer.model()))) {
            send(channel, MODELS);

            List<String> order = take(heard, MODELS.size());
            assertThat(order).containsExactlyInAnyOrderElementsOf(MODELS);
            assertThat(order).endsWith(delayed);
            assertThat(reader).isNotNull();
        }
    }

    @Test
    void delaysReorderAnswers() throws Exception {
        DelayedChannel channel = new DelayedChannel(LocalChannel.only("reordered"), 200, 1, null);
        BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        try (AutoCloseable reader = channel.read(0, 1, MAX_PARALLELISM, answer -> heard.add(answer.model()))) {
            send(channel, MODELS);

            List<String> order = take(heard, MODELS.size());
            assertThat(order).containsExactlyInAnyOrderElementsOf(MODELS).isNotEqualTo(MODELS);
            assertThat(reader).isNotNull();
        }
    }

    private static void send(TensorChannel channel, List<String> models) throws Exception {
        try (TensorChannel.Writer writer = channel.write(PARALLELISM, MAX_PARALLELISM)) {
            for (String model : models) {
                writer.send(new RefreshAnswer(
                        model, 0, 0, 1, "c", "f", true, 1, new float[] {1}, new float[0], new int[] {0}));
            }
        }
    }

    private static List<String> take(BlockingQueue<String> queue, int count) throws InterruptedException {
        List<String> taken = new ArrayList<>();
        while (taken.size() < count) {
            String next = queue.poll(30, TimeUnit.SECONDS);
            assertThat(next).as("answer %d of %d", taken.size() + 1, count).isNotNull();
            taken.add(next);
        }
        return taken;
    }

    private static List<String> ownedBy(int subtask) {
        return MODELS.stream()
                .filter(model ->
                        KeyGroupRangeAssignment.assignKeyToParallelOperator(model, MAX_PARALLELISM, PARALLELISM)
                                == subtask)
                .toList();
    }
}
