// Shows Maquette's live stream: humanoid figures take the poses of the people, the others are drawn as spheres.
using System;
using System.Collections.Generic;
using UnityEngine;

namespace Maquette
{
    /// <summary>Receives a live stream and moves figures by it. The people stand in the axes of this object.</summary>
    public sealed class MaquetteLive : MonoBehaviour
    {
        public enum Transport { Udp, Tcp }

        [Tooltip("Udp listens here (--to udp://127.0.0.1:39541), Tcp connects there (--to tcp+listen://127.0.0.1:39541).")]
        public Transport transport = Transport.Udp;
        public string address = "127.0.0.1";
        public int port = 39541;
        [Tooltip("Only for Tcp from another machine: what Maquette was given as --token.")]
        public string token = "";
        [Tooltip("Humanoid figures, the first for whoever comes first; left empty, the one of this object.")]
        public Animator[] figures;
        [Tooltip("Objects with the names of joints (l_wrist) follow these joints of whoever came first.")]
        public Transform[] followers;
        [Tooltip("Also draw the joints of people who have a figure.")]
        public bool showJoints;
        public float jointRadius = 0.03f;

        /// <summary>A bone of the stream, its parent in the list, and what Unity calls it; parents first.</summary>
        struct Bone
        {
            public string Name;
            public int Parent;
            public HumanBodyBones Unity;
        }

        static readonly string[] Tree =
        {
            "hips", "spine hips", "chest spine", "upperChest chest", "neck upperChest", "head neck",
            "leftUpperLeg hips", "leftLowerLeg leftUpperLeg", "leftFoot leftLowerLeg", "leftToes leftFoot",
            "rightUpperLeg hips", "rightLowerLeg rightUpperLeg", "rightFoot rightLowerLeg", "rightToes rightFoot",
            "leftShoulder upperChest", "leftUpperArm leftShoulder", "leftLowerArm leftUpperArm", "leftHand leftLowerArm",
            "rightShoulder upperChest", "rightUpperArm rightShoulder", "rightLowerArm rightUpperArm",
            "rightHand rightLowerArm",
        };

        static readonly Bone[] Bones = MakeBones();

        /// <summary>What one person moves.</summary>
        sealed class Shown
        {
            public int Figure = -1;
            public float LegLength;
            public Transform Joints;
            public readonly Dictionary<string, Transform> Dots = new Dictionary<string, Transform>();
        }

        readonly Dictionary<int, Shown> people = new Dictionary<int, Shown>();
        readonly List<int> left = new List<int>();
        readonly Turn[] world = new Turn[Bones.Length];
        MaquetteFigure[] bodies = new MaquetteFigure[0];
        bool[] taken = new bool[0];
        MaquetteReceiver receiver;
        string said;

        /// <summary>The stream; null while this object is off.</summary>
        public MaquetteReceiver Receiver { get { return receiver; } }

        static Bone[] MakeBones()
        {
            var names = Array.ConvertAll(Tree, row => row.Split(' ')[0]);
            return Array.ConvertAll(Tree, row =>
            {
                string[] words = row.Split(' ');
                string own = char.ToUpperInvariant(words[0][0]) + words[0].Substring(1);
                return new Bone
                {
                    Name = words[0],
                    Parent = words.Length > 1 ? Array.IndexOf(names, words[1]) : -1,
                    Unity = (HumanBodyBones)Enum.Parse(typeof(HumanBodyBones), own),
                };
            });
        }

        void OnEnable()
        {
            var found = new List<MaquetteFigure>();
            Animator own = GetComponent<Animator>();
            Animator[] wanted = figures != null && figures.Length > 0 ? figures : own != null ? new[] { own } : new Animator[0];
            foreach (Animator animator in wanted)
                if (animator != null && animator.isHuman)
                    found.Add(new MaquetteFigure(animator, Array.ConvertAll(Bones, bone => bone.Unity)));
                else Debug.LogWarning("Maquette: a figure has no humanoid Animator; set its rig to Humanoid");
            bodies = found.ToArray();
            taken = new bool[bodies.Length];
            receiver = new MaquetteReceiver(transport == Transport.Tcp, address, port, token);
        }

        void OnDisable()
        {
            receiver.Dispose();
            receiver = null;
            foreach (Shown shown in people.Values) Forget(shown);
            people.Clear();
        }

        void Update()
        {
            receiver.Refresh();
            if (receiver.State != said)
            {
                said = receiver.State;
                Debug.Log("Maquette: " + said);
            }
            FreeFigures();
            for (int i = 0; i < receiver.People.Count; i++)
            {
                MaquettePerson person = receiver.People[i];
                Shown shown;
                if (!people.TryGetValue(person.Number, out shown)) people[person.Number] = shown = Welcome();
                if (person.IsNew) Show(shown, person.Pose);
                if (i == 0 && person.IsNew) Lead(person.Pose);
            }
        }

        /// <summary>Before others come: who went, leaves a figure to them.</summary>
        void FreeFigures()
        {
            left.Clear();
            foreach (var pair in people)
            {
                bool isThere = false;
                for (int i = 0; i < receiver.People.Count; i++) isThere |= receiver.People[i].Number == pair.Key;
                if (!isThere) left.Add(pair.Key);
            }
            foreach (int number in left)
            {
                Forget(people[number]);
                people.Remove(number);
            }
        }

        Shown Welcome()
        {
            int free = Array.IndexOf(taken, false);
            if (free >= 0) taken[free] = true;
            return new Shown { Figure = free };
        }

        /// <summary>The figure keeps its last pose and waits for the next person.</summary>
        void Forget(Shown shown)
        {
            if (shown.Figure >= 0) taken[shown.Figure] = false;
            if (shown.Joints != null) Destroy(shown.Joints.gameObject);
        }

        void Show(Shown shown, MaquetteMessage pose)
        {
            if (shown.Figure >= 0 && pose.Bones.Count > 0) PoseFigure(shown, pose);
            if (shown.Figure < 0 || showJoints) Draw(shown, pose);
        }

        void PoseFigure(Shown shown, MaquetteMessage pose)
        {
            MaquetteFigure body = bodies[shown.Figure];
            for (int i = 0; i < Bones.Length; i++)
            {
                // A bone that is not told stays straight on its parent; one that the figure lacks still turns those below.
                Turn own;
                if (!pose.Bones.TryGetValue(Bones[i].Name, out own) || !own.Known) own = new Turn(0, 0, 0, 1);
                world[i] = Bones[i].Parent < 0 ? own : world[Bones[i].Parent].After(own);
                body.TurnBone(Bones[i].Unity, world[i], transform);
            }
            float length = Distance(pose, "l_hip", "l_knee") + Distance(pose, "l_knee", "l_ankle");
            if (length > 0) shown.LegLength = length;
            Place place;
            if (!pose.Joints.TryGetValue("hip", out place) || !place.Known) place = pose.Root;
            if (!place.Known || !(shown.LegLength > 0)) return;
            body.MoveHipJoints(transform.TransformPoint(At(place) * (body.LegLength / shown.LegLength)));
        }

        static float Distance(MaquetteMessage pose, string from, string to)
        {
            Place a, b;
            if (!pose.Joints.TryGetValue(from, out a) || !pose.Joints.TryGetValue(to, out b)) return 0;
            float length = (At(a) - At(b)).magnitude;
            return length > 0 ? length : 0; // not where one is unknown
        }

        void Draw(Shown shown, MaquetteMessage pose)
        {
            if (shown.Joints == null)
            {
                shown.Joints = new GameObject("Maquette person " + pose.Person).transform;
                shown.Joints.SetParent(transform, false);
            }
            foreach (var joint in pose.Joints)
            {
                Transform dot;
                if (!shown.Dots.TryGetValue(joint.Key, out dot)) shown.Dots[joint.Key] = dot = MakeDot(shown, joint.Key);
                if (joint.Value.Known) dot.localPosition = At(joint.Value);
            }
            foreach (var dot in shown.Dots)
            {
                Place place;
                bool known = pose.Joints.TryGetValue(dot.Key, out place) && place.Known;
                if (dot.Value.gameObject.activeSelf != known) dot.Value.gameObject.SetActive(known);
            }
        }

        Transform MakeDot(Shown shown, string joint)
        {
            GameObject dot = GameObject.CreatePrimitive(PrimitiveType.Sphere);
            dot.name = joint;
            dot.transform.SetParent(shown.Joints, false);
            dot.transform.localScale = Vector3.one * (2 * jointRadius);
            return dot.transform;
        }

        /// <summary>Moves the followers.</summary>
        void Lead(MaquetteMessage pose)
        {
            if (followers == null) return;
            foreach (Transform follower in followers)
            {
                Place place;
                if (follower != null && pose.Joints.TryGetValue(follower.name, out place) && place.Known)
                    follower.position = transform.TransformPoint(At(place));
            }
        }

        static Vector3 At(Place place) { return new Vector3(place.X, place.Y, place.Z); }
    }
}
