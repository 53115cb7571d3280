// SPDX-License-Identifier: Apache-2.0
package io.kronstream.operators;

import io.kronstream.learner.RefreshAnswer;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RefreshWorker;
import io.kronstream.state.TensorChannel;
import java.util.Objects;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.IOUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * EIGEN-REFRESH: computes what is asked for and sends the answer back through the channel. Keyed by
 * a {@link RefreshPlan}; it has no state and no output. An answer that cannot be sent is lost, and TRAIN computes it
 * itself after its deadline.
 */
public final class EigenRefreshFunction extends KeyedProcessFunction<String, RefreshRequest, Void> {
    private static final long serialVersionUID = 1;
    private static final Logger LOG = LoggerFactory.getLogger(EigenRefreshFunction.class);

    private final TensorChannel channel;
    private final int trainParallelism;
    private final int maxParallelism;

    private transient EigenRefreshMetrics metrics;
    private transient RefreshWorker worker;
    private transient TensorChannel.Writer writer;
    private transient boolean failureLogged;

    /**
     * @param channel the way back to TRAIN
     * @param trainParallelism parallelism of TRAIN
     * @param maxParallelism maximum parallelism of TRAIN
     */
    public EigenRefreshFunction(TensorChannel channel, int trainParallelism, int maxParallelism) {
        this.channel = Objects.requireNonNull(channel);
        this.trainParallelism = trainParallelism;
        this.maxParallelism = maxParallelism;
    }

    @Override
    public void open(OpenContext context) throws Exception {
        metrics = new EigenRefreshMetrics(getRuntimeContext().getMetricGroup());
        worker = new RefreshWorker();
        writer = channel.write(trainParallelism, maxParallelism);
    }

    @Override
    public void processElement(RefreshRequest request, Context context, Collector<Void> out) throws Exception {
        long start = System.nanoTime();
        RefreshAnswer answer = worker.compute(request);
        metrics.computed(request.size(), answer.succeeded(), (System.nanoTime() - start) / 1_000_000, worker.health());
        try {
            writer.send(answer);
        } catch (InterruptedException e) {
            throw e; // the task is being cancelled
        } catch (Exception e) {
            metrics.notSent();
            if (!failureLogged) {
                failureLogged = true;
                LOG.warn(
                        "The answer to {} could not be sent; TRAIN will compute it itself. Further failures are only counted.",
                        RefreshId.of(request),
                        e);
            }
        }
    }

    @Override
    public void close() throws Exception {
        IOUtils.closeAll(writer, worker);
    }
}
