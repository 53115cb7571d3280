// SPDX-License-Identifier: Apache-2.0
package io.kronstream.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.learner.DataSchema;
import io.kronstream.learner.Example;
import io.kronstream.learner.Learner;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RejectedBatch;
import io.kronstream.learner.StepReport;
import io.kronstream.learner.Task;
import io.kronstream.network.Activation;
import io.kronstream.optimizers.OptimizerSettings;
import java.util.List;
import org.apache.flink.api.common.state.KeyedStateStore;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.KeyedStateBackend;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The cache and the state below it; several stores in turn on the same keyed state stand for restarts. */
class LearnerStoreHarnessTest {
    private static final String MODEL = "m";
    private static final long ROOMY = 1 << 30;

    private final LearnerFactory factory = new LearnerFactory(settings());
    private KeyedOneInputStreamOperatorTestHarness<String, String, String> harness;
    private KeyedStateBackend<String> keys;
    private KeyedStateStore states;

    @BeforeEach
    void open() throws Exception {
        KeyedState operator = new KeyedState();
        harness = new KeyedOneInputStreamOperatorTestHarness<>(operator, model -> model, Types.STRING);
        harness.open();
        keys = operator.getKeyedStateBackend();
        states = operator.getKeyedStateStore();
    }

    @AfterEach
    void close() throws Exception {
        harness.close();
        factory.close();
    }

    @Test
    void aFlushedLearnerComesBackAsItWas() throws Exception {
        String digest;
        try (LearnerStore store = store(ROOMY, "here")) {
            digest = train(store, MODEL, 10).digest();
            store.flush();
        }
        try (LearnerStore store = store(ROOMY, "here")) {
            keys.setCurrentKey(MODEL);
            assertThat(store.load(MODEL).learner().digest()).isEqualTo(digest);
            assertThat(store.models()).containsExactly(MODEL);
            assertThat(store.pendingModels()).isEmpty();
            assertThat(store.ofOtherNumerics()).isZero();
        }
    }

    @Test
    void whatWasNotFlushedIsLost() throws Exception {
        try (LearnerStore store = store(ROOMY, "here")) {
            train(store, MODEL, 10);
        }
        try (LearnerStore store = store(ROOMY, "here")) {
            assertThat(store.models()).isEmpty();
        }
    }

    @Test
    void onlyChangedLearnersAreWritten() throws Exception {
        try (LearnerStore store = store(ROOMY, "here")) {
            train(store, "a", 10);
            train(store, "b", 10);
            store.flush();
            keys.setCurrentKey("a");
            header().clear();
            keys.setCurrentKey("b");
            header().clear();

            train(store, "b", 12);
            store.flush();

            assertThat(keys.getCurrentKey()).isEqualTo("b");
            assertThat(header().value()).isNotNull();
            keys.setCurrentKey("a");
            assertThat(header().value()).isNull();
        }
    }

    @Test
    void parkedExamplesComeBackInOrderAndInBoundedEntries() throws Exception {
        int count = 2 * ParkedExamples.MAX_EXAMPLES + 1;
        try (LearnerStore store = store(ROOMY, "here")) {
            keys.setCurrentKey(MODEL);
            ResidentLearner learner = store.load(MODEL);
            for (int i = 0; i < count; i++) {
                store.park(learner, example(MODEL, i));
            }
            store.changed(learner);
            store.flush();
            assertThat(store.pendingModels()).containsExactly(MODEL);
            assertThat(parked().keys()).containsExactlyInAnyOrder(0, 1, 2);
        }
        try (LearnerStore store = store(ROOMY, "here")) {
            keys.setCurrentKey(MODEL);
            ResidentLearner learner = store.load(MODEL);
            assertThat(store.parkedBytes())
                    .isEqualTo((long) count * example(MODEL, 0).bytes());
            for (int i = 0; i < count; i++) {
                assertThat(learner.firstParked().offset()).isEqualTo(i);
                store.unpark(learner);
            }
            assertThat(learner.hasParked()).isFalse();
            assertThat(store.parkedBytes()).isZero();
            assertThat(store.parkedModels()).isZero();
            store.changed(learner);
            store.flush();
            assertThat(store.pendingModels()).isEmpty();
            assertThat(parked().isEmpty()).isTrue();
        }
    }

    @Test
    void theLearnerUsedLongestAgoLeavesFirst() throws Exception {
        long one;
        try (LearnerStore store = store(ROOMY, "here")) {
            train(store, "a", 1);
            one = store.residentBytes();
        }
        try (LearnerStore store = store(2 * one + one / 2, "here")) {
            train(store, "a", 1);
            train(store, "b", 1);
            store.resident("a");
            train(store, "c", 1);

            assertThat(store.resident("b")).isNull();
            assertThat(store.resident("a")).isNotNull();
            assertThat(store.resident("c")).isNotNull();
            assertThat(store.evictions()).isEqualTo(1);
            assertThat(store.models()).containsExactly("a", "b", "c");
        }
    }

    @Test
    void stateWrittenUnderOtherNumericsIsCounted() throws Exception {
        try (LearnerStore store = store(ROOMY, "another machine")) {
            train(store, MODEL, 10);
            store.flush();
        }
        try (LearnerStore store = store(ROOMY, "here")) {
            keys.setCurrentKey(MODEL);
            store.load(MODEL);
            assertThat(store.ofOtherNumerics()).isEqualTo(1);
        }
    }

    @Test
    void aNewerLayoutAndAMissingBlockAreRefused() throws Exception {
        try (LearnerStore store = store(ROOMY, "here")) {
            train(store, MODEL, 10);
            store.flush();
        }
        keys.setCurrentKey(MODEL);
        byte[] stored = header().value();
        byte[] newer = stored.clone();
        newer[0] = 2;
        header().update(newer);
        try (LearnerStore store = store(ROOMY, "here")) {
            assertThatThrownBy(() -> store.load(MODEL))
                    .hasMessage("Learner state layout 2 is newer than this job's 1; upgrade the job");
            header().update(stored);
            blocks().remove(0);
            assertThatThrownBy(() -> store.load(MODEL))
                    .hasMessage("Block 0 of 1 of model 'm' is missing from its state");
        }
    }

    private LearnerStore store(long cacheBytes, String fingerprint) {
        return new LearnerStore(keys, states, factory, LearnerLayouts.only(factory.layout()), cacheBytes, fingerprint);
    }

    private Learner train(LearnerStore store, String model, int examples) throws Exception {
        keys.setCurrentKey(model);
        ResidentLearner learner = store.resident(model);
        if (learner == null) {
            learner = store.load(model);
        }
        for (int i = 0; i < examples; i++) {
            assertThat(learner.learner().offer(example(model, i), new Ignoring()))
                    .isTrue();
        }
        store.changed(learner);
        return learner.learner();
    }

    private ValueState<byte[]> header() {
        return states.getState(StoredLearner.HEADER);
    }

    private MapState<Integer, byte[]> blocks() {
        return states.getMapState(StoredLearner.BLOCKS);
    }

    private MapState<Integer, ParkedExamples> parked() {
        return states.getMapState(new MapStateDescriptor<>(
                LearnerState.PARKED,
                Types.INT,
                new CodecTypeInformation<>(ParkedExamples.class, new ParkedExamplesCodec())));
    }

    private static Example example(String model, int offset) {
        double input = StrictMath.sin(offset);
        return new Example(model, 0, offset, offset, new double[] {input}, new int[0], 2 * input);
    }

    private static LearnerSettings settings() {
        DataSchema schema = DataSchema.builder(List.of("x", "y"), Task.REGRESSION, "y")
                .numeric(List.of("x"))
                .build();
        return new LearnerSettings(schema, List.of(4), Activation.TANH, OptimizerSettings.defaults("adam"), 2, 0, 0, 1);
    }

    private static final class Ignoring implements Learner.Listener {
        @Override
        public void stepped(StepReport report) {}

        @Override
        public void requested(RefreshRequest request) {}

        @Override
        public void rejected(RejectedBatch batch) {
            throw new AssertionError(batch.reason());
        }
    }

    /** An operator that has keyed state and nothing else. */
    private static final class KeyedState extends AbstractStreamOperator<String>
            implements OneInputStreamOperator<String, String> {
        private static final long serialVersionUID = 1;

        @Override
        public void processElement(StreamRecord<String> element) {}
    }
}
