// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kronstream.fisher.RefreshMethod;
import io.kronstream.learner.RefreshAnswer;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RefreshWorker;
import io.kronstream.state.TensorChannel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EigenRefreshFunctionHarnessTest {
    private static final RefreshRequest REQUEST = new RefreshRequest(
            "m",
            1,
            0,
            5,
            50,
            "configuration",
            "fingerprint",
            RefreshMethod.QR_ITERATION,
            3,
            0,
            0,
            new float[] {4, 1, 0.5f, 3, 0.25f, 2},
            new float[0],
            new float[] {1, 0, 0, 0, 1, 0, 0, 0, 1});

    private static final List<RefreshAnswer> SENT = new ArrayList<>();
    private static Exception failure;

    private KeyedOneInputStreamOperatorTestHarness<String, RefreshRequest, Void> refresh;

    @BeforeEach
    void open() throws Exception {
        SENT.clear();
        failure = null;
        refresh = new KeyedOneInputStreamOperatorTestHarness<>(
                new KeyedProcessOperator<>(new EigenRefreshFunction(new Recording(), 1, 16)),
                RefreshRequest::model,
                Types.STRING);
        refresh.open();
    }

    @AfterEach
    void close() throws Exception {
        refresh.close();
    }

    @Test
    void theAnswerIsTheWorkersOwn() throws Exception {
        RefreshAnswer expected;
        try (RefreshWorker worker = new RefreshWorker()) {
            expected = worker.compute(REQUEST);
        }
        refresh.processElement(new StreamRecord<>(REQUEST));
        refresh.processElement(new StreamRecord<>(REQUEST));

        assertThat(expected.succeeded()).isTrue();
        assertThat(SENT).hasSize(2).allSatisfy(answer -> assertThat(answer)
                .usingRecursiveComparison()
                .isEqualTo(expected));
    }

    @Test
    void anAnswerThatCannotBeSentDoesNotFailTheJob() throws Exception {
        failure = new IOException("the broker is gone");
        refresh.processElement(new StreamRecord<>(REQUEST));
        failure = null;
        refresh.processElement(new StreamRecord<>(REQUEST));

        assertThat(SENT).hasSize(1);
    }

    @Test
    void cancellingIsNotAFailureToSend() {
        failure = new InterruptedException("cancelled");

        assertThatThrownBy(() -> refresh.processElement(new StreamRecord<>(REQUEST)))
                .isInstanceOf(InterruptedException.class);
    }

    private static final class Recording implements TensorChannel {
        private static final long serialVersionUID = 1;

        @Override
        public AutoCloseable read(int subtask, int parallelism, int maxParallelism, Consumer<RefreshAnswer> onAnswer) {
            throw new UnsupportedOperationException("EIGEN-REFRESH does not read");
        }

        @Override
        public Writer write(int parallelism, int maxParallelism) {
            return new Writer() {
                @Override
                public void send(RefreshAnswer answer) throws Exception {
                    if (failure != null) {
                        throw failure;
                    }
                    SENT.add(answer);
                }

                @Override
                public void close() {}
            };
        }
    }
}
