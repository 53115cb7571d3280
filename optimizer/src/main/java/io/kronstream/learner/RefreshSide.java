// SPDX-License-Identifier: Apache-2.0
package io.kronstream.learner;

import io.kronstream.linalg.Precision;
import io.kronstream.network.LayerShape;
import io.kronstream.optimizers.Optimizer;
import io.kronstream.optimizers.Optimizers;
import java.util.ArrayList;
import java.util.List;

/**
 * A side of a layer that its optimizer refreshes.
 *
 * @param layer index of the layer, from 0
 * @param side as in {@link io.kronstream.fisher.RefreshTask}
 * @param size rows of its factor
 */
public record RefreshSide(int layer, int side, int size) {
    /** All sides of a model, layer by layer. */
    public static List<RefreshSide> of(LearnerSettings settings) {
        try (Optimizer optimizer = Optimizers.create(settings.optimizer(), Precision.FLOAT)) {
            return of(
                    optimizer,
                    settings.network().architecture(settings.schema()).dense());
        }
    }

    static List<RefreshSide> of(Optimizer optimizer, List<LayerShape> shapes) {
        List<RefreshSide> sides = new ArrayList<>();
        for (int layer = 0; layer < shapes.size(); layer++) {
            LayerShape shape = shapes.get(layer);
            for (int side : optimizer.sides(shape.rows(), shape.columns())) {
                sides.add(new RefreshSide(layer, side, optimizer.sideLength(shape.rows(), shape.columns(), side)));
            }
        }
        return sides;
    }
}
