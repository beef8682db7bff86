// Maquette's motions for Unity, in Unity's axes: Y up, left-handed, metres. Uses nothing of Unity.
//
// Maquette: right-handed, Y up, a person at rest faces +Z with the left hand on +X.
// Unity:    left-handed,  Y up, a figure at rest faces +Z with the left hand on -X.
// So x changes its sign: p -> (-x, y, z). A rotation R becomes M R M with M = diag(-1, 1, 1): the axis is mirrored and
// the sense of turning too, (w, x, y, z) -> (w, x, -y, -z).
using System;
using System.Collections.Generic;
using System.Globalization;

namespace Maquette
{
    /// <summary>A place in Unity's axes, metres; NaN where unknown.</summary>
    public struct Place
    {
        public float X, Y, Z;

        public Place(float x, float y, float z) { X = x; Y = y; Z = z; }

        public bool Known { get { return !float.IsNaN(X + Y + Z); } }
    }

    /// <summary>A rotation in Unity's axes (x, y, z, w as in UnityEngine.Quaternion); NaN where unknown.</summary>
    public struct Turn
    {
        public float X, Y, Z, W;

        public Turn(float x, float y, float z, float w) { X = x; Y = y; Z = z; W = w; }

        public bool Known { get { return !float.IsNaN(X + Y + Z + W); } }

        /// <summary>First the other rotation, then this one.</summary>
        public Turn After(Turn b)
        {
            return new Turn(
                W * b.X + X * b.W + Y * b.Z - Z * b.Y,
                W * b.Y - X * b.Z + Y * b.W + Z * b.X,
                W * b.Z + X * b.Y - Y * b.X + Z * b.W,
                W * b.W - X * b.X - Y * b.Y - Z * b.Z);
        }

        /// <summary>The rotation in the middle of two.</summary>
        public Turn Halfway(Turn b)
        {
            float sign = X * b.X + Y * b.Y + Z * b.Z + W * b.W < 0 ? -1 : 1;
            float x = X + sign * b.X, y = Y + sign * b.Y, z = Z + sign * b.Z, w = W + sign * b.W;
            float length = (float)Math.Sqrt(x * x + y * y + z * z + w * w);
            return new Turn(x / length, y / length, z / length, w / length);
        }
    }

    /// <summary>One person's motion: a file that "maquette convert MOTION -o motion.json" writes.</summary>
    public sealed class MaquetteMotion
    {
        public string[] Joints;
        /// <summary>Number of each joint's parent; -1 for a root.</summary>
        public int[] Parents;
        public double FramesPerSecond;
        /// <summary>Seconds from the first frame, one for each frame.</summary>
        public double[] TimesS;
        /// <summary>[frame][joint], world.</summary>
        public Place[][] Positions;
        /// <summary>[frame][joint], relative to the parent and the T-pose; null where the file has none.</summary>
        public Turn[][] Rotations;
        public string ScaleSource;

        public int FrameCount { get { return Positions.Length; } }

        public double DurationS { get { return TimesS[TimesS.Length - 1]; } }

        /// <summary>Number of a joint by name; -1 where there is none.</summary>
        public int JointIndex(string name) { return Array.IndexOf(Joints, name); }

        /// <summary>Reads the text of a file.</summary>
        public static MaquetteMotion Parse(string text)
        {
            var document = MaquetteJson.Parse(text) as Dictionary<string, object>;
            if (document == null || Get(document, "format") as string != "maquette-motion")
                throw new MaquetteFormatException("not a motion of Maquette: maquette convert MOTION -o motion.json writes one");
            try { return Read(document); }
            catch (InvalidCastException) { throw new MaquetteFormatException("a part of the motion is of another kind"); }
            catch (FormatException) { throw new MaquetteFormatException("fps is not a number or a fraction"); }
        }

        static MaquetteMotion Read(Dictionary<string, object> document)
        {
            if (Number(Need(document, "version")) > 1)
                throw new MaquetteFormatException("a newer version of the format; get the newer reader");
            bool camera = (string)Need(document, "frame") == "camera";
            var skeleton = (Dictionary<string, object>)Need(document, "skeleton");
            var motion = new MaquetteMotion
            {
                Joints = Strings(Need(skeleton, "joints")),
                Parents = Array.ConvertAll(Numbers(Need(skeleton, "parents")), value => (int)value),
                FramesPerSecond = Fraction((string)Need(document, "fps")),
                ScaleSource = Get(document, "scale_source") as string ?? "unknown",
            };
            foreach (int parent in motion.Parents)
                if (parent < -1 || parent >= motion.Joints.Length)
                    throw new MaquetteFormatException("a joint hangs on number " + parent + ", which there is not");
            if (motion.Parents.Length != motion.Joints.Length)
                throw new MaquetteFormatException("joints and parents do not fit");
            var frames = (List<object>)Need(document, "positions");
            if (frames.Count == 0) throw new MaquetteFormatException("the motion has no frames");
            motion.Positions = new Place[frames.Count][];
            for (int i = 0; i < frames.Count; i++) motion.Positions[i] = Places(frames[i], motion.Joints.Length, camera);
            var turns = Get(document, "rotations") as List<object>;
            if (turns != null)
            {
                if (turns.Count != frames.Count) throw new MaquetteFormatException("rotations do not fit the frames");
                motion.Rotations = new Turn[turns.Count][];
                for (int i = 0; i < turns.Count; i++) motion.Rotations[i] = Turns(turns[i], motion.Parents, camera);
            }
            motion.TimesS = Times(Get(document, "timestamps_s"), frames.Count, motion.FramesPerSecond);
            return motion;
        }

        /// <summary>The frame that is shown at a time from the start: the last one that has begun.</summary>
        public int FrameAt(double timeS)
        {
            int found = Array.BinarySearch(TimesS, timeS + 1e-6);
            int frame = found >= 0 ? found : ~found - 1;
            return Math.Max(0, Math.Min(frame, FrameCount - 1));
        }

        /// <summary>Rotations of all joints in the world at a frame; unknown below an unknown one.</summary>
        public Turn[] WorldRotations(int frame)
        {
            if (Rotations == null) throw new InvalidOperationException("this motion has no rotations");
            var world = new Turn[Joints.Length];
            var done = new bool[Joints.Length];
            for (int joint = 0; joint < Joints.Length; joint++) World(frame, joint, world, done);
            return world;
        }

        void World(int frame, int joint, Turn[] world, bool[] done)
        {
            if (done[joint]) return;
            done[joint] = true;
            world[joint] = Rotations[frame][joint];
            int parent = Parents[joint];
            if (parent < 0) return;
            World(frame, parent, world, done);
            world[joint] = world[parent].After(world[joint]);
        }

        static Place[] Places(object row, int count, bool camera)
        {
            var joints = row as List<object>;
            if (joints == null || joints.Count != count)
                throw new MaquetteFormatException("a frame has not " + count + " joints");
            var places = new Place[count];
            for (int i = 0; i < count; i++)
            {
                double[] p = Numbers(joints[i]);
                if (p.Length != 3) throw new MaquetteFormatException("a position has " + p.Length + " numbers");
                places[i] = ToUnity(p, camera);
            }
            return places;
        }

        /// <summary>A position of Maquette's world in Unity; one before the camera (y down, z away) is put upright.</summary>
        internal static Place ToUnity(double[] p, bool camera)
        {
            return camera ? new Place((float)-p[0], (float)-p[1], (float)-p[2])
                          : new Place((float)-p[0], (float)p[1], (float)p[2]);
        }

        static Turn[] Turns(object row, int[] parents, bool camera)
        {
            var joints = row as List<object>;
            if (joints == null || joints.Count != parents.Length)
                throw new MaquetteFormatException("a frame has not " + parents.Length + " rotations");
            var turns = new Turn[parents.Length];
            for (int i = 0; i < parents.Length; i++)
            {
                double[] q = Numbers(joints[i]);
                if (q.Length != 4) throw new MaquetteFormatException("a rotation has " + q.Length + " numbers");
                // The camera's frame: half a turn about x puts the root upright.
                if (camera && parents[i] < 0) q = new[] { -q[1], q[0], -q[3], q[2] };
                turns[i] = new Turn((float)q[1], (float)-q[2], (float)-q[3], (float)q[0]);
            }
            return turns;
        }

        static double[] Times(object given, int count, double fps)
        {
            double[] times = given == null ? null : Numbers(given);
            if (times != null && times.Length != count) throw new MaquetteFormatException("times do not fit the frames");
            var result = new double[count];
            for (int i = 0; i < count; i++) result[i] = times == null ? i / fps : times[i] - times[0];
            return result;
        }

        static double Fraction(string text)
        {
            string[] parts = text.Split('/');
            double over = parts.Length > 1 ? double.Parse(parts[1], CultureInfo.InvariantCulture) : 1;
            double fps = double.Parse(parts[0], CultureInfo.InvariantCulture) / over;
            if (!(fps > 0)) throw new MaquetteFormatException("fps is " + text);
            return fps;
        }

        internal static object Get(Dictionary<string, object> members, string name)
        {
            object value;
            return members.TryGetValue(name, out value) ? value : null;
        }

        static object Need(Dictionary<string, object> members, string name)
        {
            object value = Get(members, name);
            if (value == null) throw new MaquetteFormatException("'" + name + "' is missing");
            return value;
        }

        internal static double Number(object value)
        {
            if (value == null) return double.NaN;
            if (!(value is double)) throw new MaquetteFormatException("expected a number, saw " + value);
            return (double)value;
        }

        /// <summary>A list of numbers; null is NaN.</summary>
        internal static double[] Numbers(object value)
        {
            var items = value as List<object>;
            if (items == null) throw new MaquetteFormatException("expected a list of numbers");
            return items.ConvertAll(Number).ToArray();
        }

        static string[] Strings(object value)
        {
            return ((List<object>)value).ConvertAll(item => (string)item).ToArray();
        }
    }
}
