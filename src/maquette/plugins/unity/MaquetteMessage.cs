// One line of Maquette's live stream: {"v": 1, "type": "pose", "frame": 7, "t": 0.233, "person": 0,
// "joints": {"hip": [x, y, z], ...}, "conf": {"hip": 0.9, ...}, "root": [x, y, z], "contacts": {"l_heel": true, ...},
// "bones": {"hips": [w, x, y, z], ...}, "latency_ms": 1.8}, metres in Maquette's world. Of other types ("hello", "gone",
// "status", and those of later days) only type, frame, t and person are read.
using System;
using System.Collections.Generic;
using System.Text;

namespace Maquette
{
    /// <summary>One person at one moment, in Unity's axes.</summary>
    public sealed class MaquetteMessage
    {
        /// <summary>"pose", "gone", "hello", "status" or another.</summary>
        public string Type = "pose";
        public int Frame;
        public double TimeS;
        public int Person;
        public readonly Dictionary<string, Place> Joints = new Dictionary<string, Place>();
        /// <summary>Confidence of joints, 0 to 1; empty where the sender says none.</summary>
        public readonly Dictionary<string, float> Confidence = new Dictionary<string, float>();
        /// <summary>Rotations of a humanoid's bones in their parents, relative to the T-pose; empty where there are none.</summary>
        public readonly Dictionary<string, Turn> Bones = new Dictionary<string, Turn>();
        /// <summary>Whether heels and toes stand.</summary>
        public readonly Dictionary<string, bool> Contacts = new Dictionary<string, bool>();
        /// <summary>Place of the root; NaN where the sender says none.</summary>
        public Place Root = Unknown;
        /// <summary>How long Maquette took for it, in milliseconds; NaN where it does not say.</summary>
        public double LatencyMs = double.NaN;

        static readonly Place Unknown = new Place(float.NaN, float.NaN, float.NaN);

        public bool IsPose { get { return Type == "pose"; } }

        /// <summary>Reads one line.</summary>
        public static MaquetteMessage Parse(string line)
        {
            if (line == null) throw new MaquetteFormatException("no text");
            byte[] bytes = Encoding.UTF8.GetBytes(line);
            var reader = new MaquetteLine();
            reader.Begin(bytes, 0, bytes.Length);
            var message = new MaquetteMessage();
            message.Read(reader);
            return message;
        }

        /// <summary>Takes over the content of a line, in place of what was here; makes no garbage once names are known.</summary>
        public void Read(MaquetteLine line)
        {
            Clear();
            bool first = true, hasJoints = false;
            double version = 1;
            string name;
            if (line.Peek() != '{') throw new MaquetteFormatException("not a message of Maquette's stream");
            line.Expect('{');
            while (line.NextMember(ref first, out name))
            {
                if (name == "type" && line.Peek() == '"') Type = line.Name();
                else if (name == "v") version = Or(line, 1);
                else if (name == "frame") Frame = Whole(Or(line, 0), name);
                else if (name == "t") TimeS = Or(line, 0);
                else if (name == "person") Person = Whole(Or(line, 0), name);
                else if (!IsPose) line.SkipValue();
                else if (name == "joints" && line.Peek() == '{') { hasJoints = true; ReadPlaces(line); }
                else if (name == "bones" && line.Peek() == '{') ReadTurns(line);
                else if (name == "conf" && line.Peek() == '{') ReadConfidence(line);
                else if (name == "contacts" && line.Peek() == '{') ReadContacts(line);
                else if (name == "root" && line.Peek() == '[') Root = At(line);
                else if (name == "latency_ms") LatencyMs = Or(line, double.NaN);
                else line.SkipValue();
            }
            line.End();
            if (!IsPose) return;
            if (version > 1) throw new MaquetteFormatException("a newer version of the stream; get the newer reader");
            if (!hasJoints) throw new MaquetteFormatException("not a message of Maquette's stream");
        }

        void Clear()
        {
            Type = "pose";
            Frame = Person = 0;
            TimeS = 0;
            Root = Unknown;
            LatencyMs = double.NaN;
            Joints.Clear();
            Confidence.Clear();
            Bones.Clear();
            Contacts.Clear();
        }

        static double Or(MaquetteLine line, double otherwise) { return line.Null() ? otherwise : line.Number(); }

        static int Whole(double value, string name)
        {
            if (value != Math.Floor(value) || Math.Abs(value) > int.MaxValue)
                throw new MaquetteFormatException("'" + name + "' is no whole number");
            return (int)value;
        }

        void ReadPlaces(MaquetteLine line)
        {
            bool first = true;
            string name;
            line.Expect('{');
            while (line.NextMember(ref first, out name)) if (!line.Null()) Joints[name] = At(line);
        }

        void ReadTurns(MaquetteLine line)
        {
            bool first = true;
            string name;
            line.Expect('{');
            while (line.NextMember(ref first, out name))
            {
                if (line.Null()) continue;
                double w, x, y, z;
                line.Expect('[');
                w = Next(line, '\0');
                x = Next(line, ',');
                y = Next(line, ',');
                z = Next(line, ',');
                line.Expect(']');
                double length = Math.Sqrt(w * w + x * x + y * y + z * z);
                // A rotation has length 1; one that is far from it is none.
                if (!(length > 0.5 && length < 2)) throw new MaquetteFormatException("a rotation is not of length 1");
                Bones[name] = new Turn((float)(x / length), (float)(-y / length), (float)(-z / length), (float)(w / length));
            }
        }

        void ReadConfidence(MaquetteLine line)
        {
            bool first = true;
            string name;
            line.Expect('{');
            while (line.NextMember(ref first, out name)) if (!line.Null()) Confidence[name] = (float)line.Number();
        }

        void ReadContacts(MaquetteLine line)
        {
            bool first = true;
            string name;
            line.Expect('{');
            while (line.NextMember(ref first, out name)) if (!line.Null()) Contacts[name] = line.Truth();
        }

        static Place At(MaquetteLine line)
        {
            line.Expect('[');
            double x = Next(line, '\0'), y = Next(line, ','), z = Next(line, ',');
            line.Expect(']');
            return new Place((float)-x, (float)y, (float)z);
        }

        /// <summary>A number after a comma, or the first; NaN for null.</summary>
        static double Next(MaquetteLine line, char before)
        {
            if (before != '\0') line.Expect(before);
            return Or(line, double.NaN);
        }
    }
}
