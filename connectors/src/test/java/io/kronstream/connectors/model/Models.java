// SPDX-License-Identifier: Apache-2.0
package io.kronstream.connectors.model;

import io.kronstream.learner.ControlState;
import io.kronstream.learner.Example;
import io.kronstream.learner.Learner;
import io.kronstream.learner.LearnerFactory;
import io.kronstream.learner.LearnerSettings;
import io.kronstream.learner.PublishedModel;
import io.kronstream.learner.RefreshRequest;
import io.kronstream.learner.RejectedBatch;
import io.kronstream.learner.StepReport;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/** Published models of the tests. */
public final class Models {
    private Models() {}

    /** A version whose payload depends on nothing but the arguments. */
    public static PublishedModel published(String model, long version, int payloadBytes, long seed) {
        byte[] payload = new byte[payloadBytes];
        new Random(seed * 31 + version).nextBytes(payload);
        return published(model, version, payload);
    }

    static PublishedModel published(String model, long version, byte[] payload) {
        return new PublishedModel(
                model,
                version,
                10 * version,
                320 * version,
                new TreeMap<>(Map.of(0, 0L, 3, 11L)),
                new TreeMap<>(Map.of(0, 320 * version - 1, 3, 17L)),
                false,
                "ordered",
                "c0ffee",
                "Haswell OpenBLAS",
                ModelChunk.sha256(payload),
                payload,
                null,
                ControlState.NONE);
    }

    public static List<ModelRecord> records(PublishedModel published, int chunkBytes) {
        return cutter(chunkBytes).cut(published);
    }

    /** A cutter for an empty topic whose records leave room for chunks of this size. */
    static VersionCutter cutter(int chunkBytes) {
        return new VersionCutter(1 << 20, chunkBytes, null);
    }

    /** What a learner publishes after 40 examples of two numeric columns; its one label is their difference. */
    static StoredModel learned(LearnerSettings settings) {
        try (LearnerFactory factory = new LearnerFactory(settings);
                Learner learner = factory.create("m")) {
            Learner.Listener silent = new Learner.Listener() {
                @Override
                public void stepped(StepReport report) {}

                @Override
                public void requested(RefreshRequest request) {}

                @Override
                public void rejected(RejectedBatch batch) {}
            };
            for (long i = 0; i < 40; i++) {
                double[] inputs = {StrictMath.sin(i), StrictMath.cos(3 * i)};
                learner.offer(new Example("m", 0, i, i, inputs, new int[0], inputs[0] - inputs[1]), silent);
            }
            PublishedModel published = learner.publish().orElseThrow();
            List<ModelManifest.Chunk> chunks = List.of(
                    new ModelManifest.Chunk(0, published.payload().length, ModelChunk.sha256(published.payload())));
            return new StoredModel(ModelManifest.of(published, settings, null, chunks), published.payload());
        }
    }
}
